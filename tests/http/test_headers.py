from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.http import MutableHeaders


def test_names_are_case_insensitive() -> None:
    headers = MutableHeaders({"X-Colour": "red"})
    headers["x-COLOUR"] = "blue"
    assert headers["X-Colour"] == "blue"
    assert "x-colour" in headers
    assert 5 not in headers  # type: ignore[comparison-overlap]
    assert list(headers) == ["x-colour"]
    assert len(headers) == 1
    del headers["X-COLOUR"]
    assert headers.get("x-colour") is None
    with pytest.raises(KeyError):
        headers["x-colour"]


def test_raw_has_lower_case_names_in_order() -> None:
    headers = MutableHeaders({"B": "2", "A": "é"})
    assert headers.raw() == [(b"b", b"2"), (b"a", b"\xe9")]


def test_append_joins_with_a_comma() -> None:
    headers = MutableHeaders()
    headers.append("Vary", "accept")
    headers.append("vary", "origin")
    assert headers["vary"] == "accept, origin"


def test_set_cookie_has_several_lines() -> None:
    headers = MutableHeaders({"Set-Cookie": "a=1"})
    headers.append("set-cookie", "b=2")
    headers.append("Set-Cookie", "c=3")
    assert headers["set-cookie"] == "a=1"
    assert headers.raw() == [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"set-cookie", b"c=3")]
    copied = headers.copy()
    headers["set-cookie"] = "d=4"
    assert list(headers.lines()) == [("set-cookie", "d=4")]
    copied.append("set-cookie", "e=5")
    assert [value for _, value in copied.lines()] == ["a=1", "b=2", "c=3", "e=5"]
    del copied["set-cookie"]
    assert (list(copied.lines()), len(copied)) == ([], 0)
    with pytest.raises(ValueError, match="control character"):
        headers.append("set-cookie", "a=1\r\nX: y")


def test_pairs_of_one_name_are_joined_and_replace_earlier_values() -> None:
    headers = MutableHeaders([("X", "1"), ("x", "2"), ("Set-Cookie", "a=1"), ("set-cookie", "b=2")])
    lines = [("x", "1, 2"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]
    assert list(headers.lines()) == lines
    assert repr(headers) == f"MutableHeaders({lines!r})"
    headers.extend([("set-cookie", "c=3"), ("y", "1")])
    assert list(headers.lines()) == [("x", "1, 2"), ("set-cookie", "c=3"), ("y", "1")]
    with pytest.raises(TypeError, match="expected str"):
        MutableHeaders([("a", 5)])  # type: ignore[list-item]


def test_a_copy_is_independent() -> None:
    headers = MutableHeaders({"a": "1"})
    other = headers.copy()
    other["a"] = "2"
    assert (headers["a"], other["a"]) == ("1", "2")


def test_whitespace_around_a_value_is_removed() -> None:
    assert MutableHeaders({"a": " \tx y\t "})["a"] == "x y"


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "a\x0bb", "a\x7fb", "\x1b[0m", "€"])
def test_invalid_values_are_refused(value: str) -> None:
    headers = MutableHeaders()
    with pytest.raises(ValueError, match="header x: "):
        headers["x"] = value
    with pytest.raises(ValueError, match="header x: "):
        headers.setdefault("x", value)
    with pytest.raises(ValueError, match="header x: "):
        headers.append("x", value)
    with pytest.raises(ValueError, match="header x: "):
        MutableHeaders({"x": value})
    assert not headers


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "a\0", "é", "(a)"])
def test_invalid_names_are_refused(name: str) -> None:
    headers = MutableHeaders()
    with pytest.raises(ValueError, match="header name"):
        headers[name] = "x"
    assert not headers


@pytest.mark.parametrize(("name", "value"), [("a", 5), ("a", None), ("a", b"x"), (b"a", "x")])
def test_other_types_are_refused(name: object, value: object) -> None:
    headers = MutableHeaders()
    with pytest.raises(TypeError, match="expected str"):
        headers[name] = value  # type: ignore[index,assignment]


@given(st.text(), st.text())
def test_accepted_headers_are_safe_to_send(name: str, value: str) -> None:
    headers = MutableHeaders()
    try:
        headers[name] = value
    except ValueError:
        return
    ((raw_name, raw_value),) = headers.raw()
    assert raw_name == name.lower().encode("ascii")
    assert not set(raw_name + raw_value) & set(b"\r\n\0")
