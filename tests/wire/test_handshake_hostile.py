"""Hostile upgrade requests: arbitrary bytes, long lists, one name many times."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import HandshakeError
from emmett.wire.handshake import Upgrade, check_upgrade, is_broken_upgrade, is_upgrade
from tests.wire.upgrade_maker import GOOD, KEY, RawHeaders, headers_with
from tests.work import check_linear

SIZE = 128 * 1024
READ = [*GOOD, b"origin", b"sec-websocket-protocol", b"sec-websocket-extensions", b"content-length"]
BITS = [*GOOD.values(), b",", b" ", b"\t", b'"', b";", b"=", b"\x85", b"\xc3\x85", b"\x00", b"[", b"%"]
UNITS = [b" ", b"\t", b",", b", ", b";", b'"', b"a,", b"upgrade ", b"websocket,x", b"%41", b"%", b"\x85", b"\xc3\x85"]

values = st.binary(max_size=30) | st.lists(st.sampled_from(BITS), max_size=8).map(b"".join)
heads = st.lists(st.tuples(st.sampled_from(READ) | st.binary(max_size=6), values), max_size=12)


def verdict(headers: RawHeaders, method: bytes = b"GET", http_version: str = "1.1") -> Upgrade | HandshakeError:
    """Any other exception than `HandshakeError` fails the test."""
    try:
        return check_upgrade(method, http_version, headers)
    except HandshakeError as refused:
        error = refused
    assert error.message.isascii()
    assert error.message.isprintable()
    assert len(error.message) < 300
    return error


def status(headers: RawHeaders) -> int:
    result = verdict(headers)
    return result.status if isinstance(result, HandshakeError) else 101


def check_is_sound(headers: RawHeaders) -> None:
    result = verdict(headers)
    if isinstance(result, HandshakeError):
        assert result.status in (400, 426)
        return
    assert is_upgrade(headers)
    assert len(base64.b64decode(result.key, validate=True)) == 16
    assert result.host.isascii()
    assert result.origin is None or re.fullmatch(r"[ -~]*", result.origin)
    assert all(re.fullmatch(r"[!-~]+", subprotocol) for subprotocol in result.subprotocols)


@given(heads)
def test_any_head_is_read_or_refused(headers: RawHeaders) -> None:
    check_is_sound(headers)


@given(heads)
def test_a_valid_head_with_changed_fields_is_read_or_refused(headers: RawHeaders) -> None:
    check_is_sound([*{**GOOD, **dict(headers)}.items()])


@given(heads)
def test_a_valid_head_with_additional_fields_is_read_or_refused(headers: RawHeaders) -> None:
    check_is_sound(headers_with(None, headers))


@given(st.integers(0, 200), st.binary(min_size=1, max_size=1), st.booleans())
def test_a_valid_head_with_a_changed_byte_is_read_or_refused(at: int, byte: bytes, insert: bool) -> None:
    flat = b"\n".join(b"%b\n%b" % pair for pair in headers_with({b"origin": b"https://example.com"}))
    at %= len(flat)
    parts = (flat[:at] + byte + flat[at if insert else at + 1 :]).split(b"\n")
    check_is_sound([*zip(parts[::2], parts[1::2], strict=False)])


@given(st.binary(max_size=12), st.text(max_size=4).filter(lambda version: version != "1.1"))
def test_any_method_and_version_is_read_or_refused(method: bytes, http_version: str) -> None:
    result = verdict(headers_with(), method, http_version)
    assert isinstance(result, HandshakeError)
    assert result.status == 505


@given(st.binary(max_size=12).filter(lambda method: method != b"GET"))
def test_any_method_is_read_or_refused(method: bytes) -> None:
    result = verdict(headers_with(), method)
    assert isinstance(result, HandshakeError)
    assert result.status == 405


def test_one_name_ten_thousand_times_takes_linear_time() -> None:
    assert status(headers_with(None, [(b"sec-websocket-key", KEY)] * 10_000)) == 400
    assert status(headers_with(None, [(b"sec-websocket-protocol", b"a")] * 10_000)) == 431
    assert status(headers_with(None, [(b"x-same", b"a")] * 10_000)) == 101


@pytest.mark.parametrize("unit", [*UNITS, b"[", b":", b"=", b".", b"a"])
@pytest.mark.parametrize("name", READ)
def test_long_values_take_linear_time(name: bytes, unit: bytes) -> None:
    def read(size: int) -> None:
        for end in (b"/", b"/\x00"):
            headers = headers_with({name: unit * size + end})
            is_upgrade(headers)
            is_broken_upgrade(headers)
            assert status(headers) in (101, 400, 426, 431)

    check_linear(read, SIZE)
