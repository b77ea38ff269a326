"""The grammar of Sec-WebSocket-Extensions: valid and invalid values, and that hostile ones take linear time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import HandshakeError
from emmett.wire.extensions import Extension, encode_extension, parse_extensions
from tests.work import check_linear

TOKEN = st.text("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
EXTENSION = st.builds(
    Extension, TOKEN, st.lists(st.tuples(TOKEN, st.none() | TOKEN), max_size=4).map(lambda pairs: tuple(pairs))
)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("", []),
        ("foo", [Extension("foo")]),
        ("foo, bar", [Extension("foo"), Extension("bar")]),
        ("foo;a;b=1", [Extension("foo", (("a", None), ("b", "1")))]),
        ('foo; a="10"', [Extension("foo", (("a", "10"),))]),
        (r'foo; a="1\0"', [Extension("foo", (("a", "10"),))]),
        ("\tfoo ;\ta = 1 \t, bar ", [Extension("foo", (("a", "1"),)), Extension("bar")]),
        (",, foo, ,bar ,", [Extension("foo"), Extension("bar")]),
        ("foo; a; a=2", [Extension("foo", (("a", None), ("a", "2")))]),
        (
            "permessage-deflate; client_max_window_bits",
            [Extension("permessage-deflate", (("client_max_window_bits", None),))],
        ),
    ],
)
def test_valid_values_are_read(field: str, expected: list[Extension]) -> None:
    assert parse_extensions(field) == expected


@pytest.mark.parametrize(
    "field",
    [
        ";",
        "foo;",
        "foo;;a",
        "foo; =1",
        "foo; a=",
        "foo; a=,",
        "foo bar",
        "foo; a b",
        "foo; a=1 2",
        'foo; a="',
        'foo; a="1',
        'foo; a=""',
        'foo; a="1 2"',
        'foo; a="1\\"',
        'foo; a="\\""',
        'foo; a="1"2',
        '"foo"',
        "foo=1",
        "f\xf6\xf6",
        "foo; a=\xfc",
        "foo\x00",
        "foo/bar",
    ],
)
def test_invalid_values_fail_the_handshake(field: str) -> None:
    with pytest.raises(HandshakeError) as caught:
        parse_extensions(field)
    assert caught.value.status == 400
    assert "Sec-WebSocket-Extensions" in caught.value.message


@given(st.lists(EXTENSION, max_size=5))
def test_encoded_extensions_are_read_back(extensions: list[Extension]) -> None:
    assert parse_extensions(", ".join(map(encode_extension, extensions))) == extensions


@given(st.text(' ,;="\\ab\t\xe9', max_size=60))
def test_any_value_is_read_or_refused(field: str) -> None:
    try:
        extensions = parse_extensions(field)
    except HandshakeError as error:
        assert error.status == 400  # noqa: PT017 - both outcomes are correct
    else:
        assert parse_extensions(", ".join(map(encode_extension, extensions))) == extensions


HOSTILE = {
    "spaces": ("", " "),
    "spaces behind a name": ("foo", " "),
    "tabs and commas": ("", "\t,"),
    "semicolons": ("foo", ";"),
    "spaced semicolons": ("foo", " ; "),
    "spaces before a value": ("foo; a=", " "),
    "spaces before an equals sign": ("foo; a", " "),
    "an open quote": ('foo; a="', "x"),
    "backslashes in an open quote": ('foo; a="', "\\a"),
    "bare backslashes in an open quote": ('foo; a="', "\\"),
    "open quotes": ("foo", '; a="'),
    "parameters": ("foo", ";a"),
    "parameters with values": ("foo", ";a=1"),
    "quoted parameters": ("foo", ';a="1"'),
    "extensions": ("", "a,"),
    "a long name": ("", "a"),
    "equals signs": ("foo; a", "="),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_take_linear_time(name: str) -> None:
    start, repeated = HOSTILE[name]

    def parse(size: int) -> None:
        try:
            parse_extensions(start + repeated * (size // len(repeated)))
        except HandshakeError as error:
            assert error.status == 400  # noqa: PT017 - both outcomes are correct

    check_linear(parse, 1_000_000)  # a hundred times the size of a head
