"""Host and port (RFC 3986, 3.2.2 and 3.2.3)."""

from __future__ import annotations

import string
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.wire.authority import format_authority, parse_authority
from tests.work import check_linear


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("example.com", "example.com", None),
        ("EXAMPLE.com:80", "example.com", 80),
        ("example.com:", "example.com", None),
        ("localhost:08000", "localhost", 8000),
        ("example.com:0", "example.com", 0),
        ("example.com:65535", "example.com", 65535),
        ("127.0.0.1:8000", "127.0.0.1", 8000),
        ("my_service.internal", "my_service.internal", None),
        ("example.com.", "example.com.", None),
        ("a%20b", "a%20b", None),
        ("a!$&'()*+,;=~b", "a!$&'()*+,;=~b", None),
        ("[::1]", "[::1]", None),
        ("[::1]:8000", "[::1]", 8000),
        ("[0:0:0:0:0:0:0:1]:8000", "[::1]", 8000),
        ("[2001:DB8::A]", "[2001:db8::a]", None),
        ("[::ffff:192.0.2.1]", "[::ffff:c000:201]", None),
        ("a" * 255, "a" * 255, None),
        ("a" * 255 + ":65535", "a" * 255, 65535),
    ],
)
def test_valid_authorities_are_read(text: str, host: str, port: int | None) -> None:
    authority = parse_authority(text)
    assert authority is not None
    if host == "[::ffff:c000:201]":
        # The spelling of a mapped address depends on the version of Python; both spellings must be the same address.
        assert authority == parse_authority(host)
    else:
        assert authority == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        "a/?x=",
        "a/b",
        "a?x",
        "a#x",
        "a\\b",
        "user@example.com",
        "user:secret@example.com",
        "a b",
        " a",
        "a\t",
        "a\n",
        "a\x00",
        "a%",
        "a%2",
        "a%zz",
        "é",
        "１２７.0.0.1",
        "a:８０",
        "a:-1",
        "a:80:80",
        "a:65536",
        "a:99999",
        "a:000080",
        "a:http",
        "::1",
        "[::1",
        "::1]",
        "[]",
        "[:]",
        "[::1]a",
        "[::1%25eth0]",
        "[fe80::1%eth0]",
        "[1.2.3.4]",
        "[v1.x]",
        "[1:2:3:4:5:6:7:8:9]",
        "[12345::]",
        "a[::1]",
        "a" * 256,
        "https://example.com",
        "<script>",
        '"a"',
        "a|b",
        "a^b",
        "a`b",
        "a{b}",
    ],
)
def test_invalid_authorities_are_refused(text: str) -> None:
    assert parse_authority(text) is None


@pytest.mark.parametrize("unit", ["a", "%41", "%", "[", ":", "0", "a:", ".", "é"])
def test_long_texts_take_linear_time(unit: str) -> None:
    def parse(size: int) -> None:
        assert parse_authority((unit * size)[: size - 1] + "/") is None

    # With backtracking, the longest text that is parsed would take forever.
    check_linear(parse, 255)
    check_linear(parse, 1024 * 1024)


@given(st.text(st.characters(codec="latin-1")) | st.text(string.printable) | st.text("[]:.%0a@/"))
def test_any_text_is_read_or_refused(text: str) -> None:
    authority = parse_authority(text)
    if authority is not None:
        assert authority.host.isascii()
        assert not set(authority.host) & set("/?#@\\ \t\r\n\x00")
        assert authority.port is None or 0 <= authority.port <= 65535


@given(st.ip_addresses(v=6), st.integers(0, 65535))
def test_ipv6_addresses_are_read(address: IPv6Address, port: int) -> None:
    expected = (f"[{address.compressed}]", port)
    assert parse_authority(f"[{address.compressed}]:{port}") == expected
    assert parse_authority(f"[{address.exploded.upper()}]:{port}") == expected


@given(st.ip_addresses(v=4))
def test_ipv4_addresses_are_read(address: IPv4Address) -> None:
    assert parse_authority(str(address)) == (str(address), None)


@pytest.mark.parametrize(
    ("host", "text"),
    [("::1", "[::1]:80"), ("[::1]", "[::1]:80"), ("localhost", "localhost:80"), ("10.0.0.1", "10.0.0.1:80")],
)
def test_an_authority_is_written(host: str, text: str) -> None:
    assert format_authority(host, 80) == text
