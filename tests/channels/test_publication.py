from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.channels import Kind, Position, Publication


def test_a_position_survives_as_text() -> None:
    for position in (Position("k3x9", 12), Position("a-b_c.D", 0), Position("1-1", 2**62)):
        assert Position.parse(str(position)) == position


@pytest.mark.parametrize(
    "text", ["", ":", "a", "a:", ":1", "a:-1", "a:x", "a b:1", "ä:1", "a:٣", "a:1:", "a:" + "9" * 20]
)
def test_invalid_positions_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a position"):
        Position.parse(text)


@given(st.text())
def test_any_text_is_a_valid_position_or_refused(text: str) -> None:
    try:
        position = Position.parse(text)
    except ValueError:
        return
    assert Position.parse(str(position)) == position


def test_a_publication_is_a_message_by_default() -> None:
    assert Publication("a", "x") == ("a", "x", Kind.MESSAGE, None, None)


def test_the_position_before_a_publication_has_the_previous_offset() -> None:
    assert Position("e", 12).previous() == Position("e", 11)
