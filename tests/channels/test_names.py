from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.channels.names import (
    MAX_NAMES,
    check_channel,
    check_name,
    check_names,
    covers,
    is_pattern,
    namespace_of,
)
from emmett.errors import ChannelDenied, InvalidChannel


@pytest.mark.parametrize("name", ["a", "room:1", "room:a:b", ":", "röm:ü", "x" * 200, "a/b?c=d", "ü" * 100])
def test_these_are_valid_channel_names(name: str) -> None:
    check_channel(name)
    check_name(name)


BAD = ["", " ", "a b", "a\n", "a\x00", "a\x7f", "a\t", "a\u2028", "a\u00a0", "x" * 201, "ü" * 101, "\ud800"]


@pytest.mark.parametrize("name", [*BAD, "room:*", "*", "a*b"])
def test_these_are_invalid_channel_names(name: str) -> None:
    with pytest.raises(InvalidChannel) as caught:
        check_channel(name)
    assert isinstance(caught.value, ChannelDenied)
    assert isinstance(caught.value, ValueError)
    assert caught.value.status == 403


@pytest.mark.parametrize("name", [*BAD, "*", ":*", "room*", "ro*m:*", "room:*:*", "room:*:1", "room:a*"])
def test_these_cannot_be_subscribed_to(name: str) -> None:
    with pytest.raises(InvalidChannel):
        check_name(name)


@given(st.text())
def test_any_text_is_a_valid_name_or_refused(name: str) -> None:
    try:
        check_channel(name)
    except InvalidChannel:
        return
    assert name.encode().isascii() is name.isascii()
    assert 0 < len(name.encode()) <= 200
    assert not any(char.isspace() or char == "*" for char in name)


def test_a_name_must_be_text() -> None:
    with pytest.raises(TypeError, match="not int"):
        check_channel(1)  # type: ignore[arg-type]


def test_a_pattern_covers_the_names_with_its_prefix() -> None:
    check_name("room:*")
    check_name("room:a:*")
    assert is_pattern("room:*")
    assert not is_pattern("room:1")
    assert covers("room:*", "room:1")
    assert covers("room:*", "room:")
    assert covers("room:*", "room:a:*")
    assert not covers("room:*", "rooms:1")
    assert not covers("room:*", "room")


def test_each_name_counts_once_and_a_wide_pattern_for_those_it_covers() -> None:
    assert check_names(["a", "a", "room:a:*", "room:*", "room:1"]) == ("a", "room:*", "room:1")
    assert check_names(["room:*", "room:*"]) == ("room:*",)


def test_the_names_of_a_subscriber_are_limited() -> None:
    assert len(check_names([f"a:{number}" for number in range(MAX_NAMES)])) == 128
    for count in (0, MAX_NAMES + 1):
        with pytest.raises(InvalidChannel, match="1 to 128"):
            check_names([f"a:{number}" for number in range(count)])


def test_namespaces_end_at_the_first_colon() -> None:
    names = {"room:1": "room", "room:*": "room", "a:b:c": "a", "ticks": "", ":x": "", "room": ""}
    assert {name: namespace_of(name) for name in names} == names
