from __future__ import annotations

from typing import Any

import pytest

from emmett.channels import Position
from emmett.channels.since import UNKNOWN, Since, parse_since
from emmett.http.query import parse_query


@pytest.mark.parametrize("since", [None, ""])
def test_none_and_empty_text_are_no_position(since: Since) -> None:
    assert parse_since(since) is None


def test_a_position_may_be_given_as_text() -> None:
    assert parse_since(Position("e", 3)) == parse_since("e:3") == Position("e", 3)


@pytest.mark.parametrize("since", ["x", "e:", ["e:1", "e:2"], ["e:1"], [], [""], ("e", 1), 5, b"e:1", {"a": 1}, True])
def test_an_invalid_position_is_an_unknown_one(since: Any) -> None:
    assert parse_since(since) == UNKNOWN


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", None), ("since=", None), ("since=e:1", Position("e", 1)), ("since=e:1&since=e:2", UNKNOWN)],
)
def test_a_query_field_can_be_passed_as_it_is(query: str, expected: Position | None) -> None:
    assert parse_since(parse_query(query.encode()).since) == expected
