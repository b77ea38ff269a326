"""The checks of an upgrade request (RFC 6455, 4.2.1)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import HandshakeError, RequestError
from emmett.wire.handshake import (
    MAX_LIST_SIZE,
    Upgrade,
    check_host,
    check_upgrade,
    is_broken_upgrade,
    is_upgrade,
)
from tests.wire.upgrade_maker import GOOD, KEY, RawHeaders, headers_with, upgrade_with


def refusal(
    changes: dict[bytes, bytes | None] | None = None,
    *more: tuple[bytes, bytes],
    method: bytes = b"GET",
    http_version: str = "1.1",
) -> HandshakeError:
    with pytest.raises(HandshakeError) as caught:
        check_upgrade(method, http_version, headers_with(changes, more))
    error = caught.value
    assert error.message.isascii()
    assert error.message.isprintable()
    assert len(error.message) < 300
    return error


def status(changes: dict[bytes, bytes | None] | None = None, *more: tuple[bytes, bytes]) -> int:
    return refusal(changes, *more).status


def test_a_valid_request_is_accepted() -> None:
    assert upgrade_with() == Upgrade(key=KEY, subprotocols=(), extensions="", origin=None, host="server.example.com")


def test_a_valid_request_may_have_every_field() -> None:
    upgrade = upgrade_with(
        {
            b"host": b"[::1]:8000",
            b"origin": b"https://example.com",
            b"sec-websocket-protocol": b"chat.v2, chat.v1",
            b"sec-websocket-extensions": b"permessage-deflate; client_max_window_bits",
            b"content-length": b"0",
            b"cookie": "name=Åsa".encode(),
        },
        [(b"sec-websocket-protocol", b"soap"), (b"sec-websocket-extensions", b"x"), (b"cookie", b"b=2")],
    )
    assert upgrade == Upgrade(
        key=KEY,
        subprotocols=("chat.v2", "chat.v1", "soap"),
        extensions="permessage-deflate; client_max_window_bits, x",
        origin="https://example.com",
        host="[::1]:8000",
    )


def test_whitespace_around_values_is_ignored() -> None:
    padded = {name: b" \t" + value + b"\t " for name, value in GOOD.items()}
    upgrade = upgrade_with({**padded, b"content-length": b"0 ", b"origin": b" null "})
    assert (upgrade.key, upgrade.host, upgrade.origin) == (KEY, "server.example.com", "null")


class TestRequestLine:
    @pytest.mark.parametrize("version", ["1.0", "0.9", "2", "2.0", "3", "", "1.1 "])
    def test_other_http_versions_are_refused(self, version: str) -> None:
        assert refusal(http_version=version).status == 505
        assert refusal(http_version=version, method=b"POST").status == 505

    @pytest.mark.parametrize("method", [b"POST", b"HEAD", b"PUT", b"CONNECT", b"OPTIONS", b"get", b"", b"\xff"])
    def test_other_methods_are_refused(self, method: bytes) -> None:
        error = refusal(method=method)
        assert error.status == 405
        assert error.headers == {"Allow": "GET"}


class TestConnectionAndUpgrade:
    @pytest.mark.parametrize(
        "connection",
        [
            b"Upgrade",
            b"upgrade",
            b"UPGRADE",
            b"keep-alive, Upgrade",
            b"upgrade,keep-alive",
            b",, Upgrade ,",
            b"a,\tuPgRaDe",
        ],
    )
    def test_upgrade_may_be_one_of_several_connection_options(self, connection: bytes) -> None:
        assert is_upgrade(headers_with({b"connection": connection}))
        assert upgrade_with({b"connection": connection}).key == KEY

    @pytest.mark.parametrize(
        "connection",
        [
            None,
            b"",
            b"notupgrade",
            b"upgraded",
            b"keep-alive",
            b"keep-alive upgrade",
            b'"upgrade"',
            b"up,grade",
            b"upgrade;a",
        ],
    )
    def test_without_the_connection_option_upgrade_it_is_no_handshake(self, connection: bytes | None) -> None:
        assert not is_upgrade(headers_with({b"connection": connection}))
        assert is_broken_upgrade(headers_with({b"connection": connection}))
        assert "Connection" in refusal({b"connection": connection}).message
        assert status({b"connection": connection}) == 400

    @pytest.mark.parametrize("upgrade", [b"websocket", b"WebSocket", b"h2c, websocket", b"websocket,h2c"])
    def test_websocket_may_be_one_of_several_protocols(self, upgrade: bytes) -> None:
        assert is_upgrade(headers_with({b"upgrade": upgrade}))
        assert upgrade_with({b"upgrade": upgrade}).key == KEY

    @pytest.mark.parametrize(
        "upgrade", [None, b"", b"h2c", b"websockets", b"notwebsocket", b"websocket/13", b"web socket"]
    )
    def test_without_the_protocol_websocket_it_is_no_handshake(self, upgrade: bytes | None) -> None:
        assert not is_upgrade(headers_with({b"upgrade": upgrade}))
        assert is_broken_upgrade(headers_with({b"upgrade": upgrade}))
        assert "Upgrade" in refusal({b"upgrade": upgrade}).message
        assert status({b"upgrade": upgrade}) == 400

    def test_several_fields_count_as_one_list(self) -> None:
        more = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
        headers = headers_with({b"connection": b"keep-alive", b"upgrade": b"h2c"}, more)
        assert is_upgrade(headers)
        assert check_upgrade(b"GET", "1.1", headers).key == KEY
        assert is_upgrade(list(reversed(headers)))

    def test_a_valid_upgrade_is_not_a_broken_one(self) -> None:
        assert not is_broken_upgrade(headers_with())
        assert not is_broken_upgrade(headers_with({b"sec-websocket-version": b"8"}))

    @pytest.mark.parametrize(
        "headers",
        [
            [],
            [(b"host", b"a"), (b"connection", b"keep-alive")],
            [(b"connection", b"upgrade"), (b"upgrade", b"h2c")],
            # Without the connection option an Upgrade field means nothing (RFC 9110, 7.8).
            [(b"connection", b"close"), (b"upgrade", b"websocket")],
            [(b"connection", b"upgrade")],
        ],
    )
    def test_plain_requests_are_neither(self, headers: RawHeaders) -> None:
        assert not is_upgrade(headers)
        assert not is_broken_upgrade(headers)


class TestVersion:
    @pytest.mark.parametrize(
        "version", [None, b"", b"8", b"12", b"14", b"013", b"13.0", b"+13", b"13, 8", b"x" * 5000, b"\xff"]
    )
    def test_another_version_is_refused(self, version: bytes | None) -> None:
        error = refusal({b"sec-websocket-version": version})
        assert error.status == 426
        assert error.headers == {"Sec-WebSocket-Version": "13", "Upgrade": "websocket"}

    def test_a_duplicate_field_is_refused(self) -> None:
        assert status(None, (b"sec-websocket-version", b"13")) == 400


class TestKey:
    @given(st.binary(min_size=16, max_size=16))
    def test_any_sixteen_bytes_are_a_key(self, nonce: bytes) -> None:
        key = base64.b64encode(nonce)
        assert upgrade_with({b"sec-websocket-key": key}).key == key

    def test_the_example_of_the_rfc_with_spare_bits_is_accepted(self) -> None:
        assert upgrade_with({b"sec-websocket-key": b"AQIDBAUGBwgJCgsMDQ4PEC=="})

    @pytest.mark.parametrize(
        "key",
        [
            None,
            b"",
            base64.b64encode(bytes(15)),
            base64.b64encode(bytes(17)),
            base64.b64encode(bytes(18)),
            KEY[:-1],
            KEY[:-2],
            KEY + b"=",
            KEY + KEY,
            b"dGhlIHNhbXBsZSBub25jZQ=\x21",
            b"dGhl IHNhbXBsZSBub25jZQ==",
            b"dGhlIHNhbXBsZSBub25j-_==",
            b"!GhlIHNhbXBsZSBub25jZQ==",
            b"d=hlIHNhbXBsZSBub25jZQ==",
            b"\xe9GhlIHNhbXBsZSBub25jZQ==",
            KEY + b"," + KEY,
            b"A" * 24,
        ],
    )
    def test_missing_or_malformed_keys_are_refused(self, key: bytes | None) -> None:
        error = refusal({b"sec-websocket-key": key})
        assert error.status == 400
        assert "Sec-WebSocket-Key" in error.message

    @pytest.mark.parametrize("key", [KEY, b"", b"AQIDBAUGBwgJCgsMDQ4PEC=="])
    def test_a_duplicate_field_is_refused(self, key: bytes) -> None:
        assert status(None, (b"sec-websocket-key", key)) == 400


class TestHost:
    @pytest.mark.parametrize("host", [b"a", b"a:80", b"127.0.0.1", b"[::1]:1", b"EXAMPLE.com", b"a:"])
    def test_valid_hosts_are_accepted(self, host: bytes) -> None:
        assert upgrade_with({b"host": host}).host == host.decode()
        check_host(headers_with({b"host": host}))

    @pytest.mark.parametrize(
        "host",
        [None, b"", b" ", b"a/?x=", b"u@a", b"a b", b"a,b/c", b"a:x", b"[::1", b"\xe9", b"a#b", b":80", b"a" * 300],
    )
    def test_invalid_hosts_are_refused(self, host: bytes | None) -> None:
        error = refusal({b"host": host})
        assert error.status == 400
        assert "Host" in error.message
        with pytest.raises(RequestError, match="Host") as caught:
            check_host(headers_with({b"host": host}))
        assert caught.value.status == 400

    @pytest.mark.parametrize("second", [b"server.example.com", b"evil.com", b""])
    def test_a_duplicate_field_is_refused(self, second: bytes) -> None:
        assert status(None, (b"host", second)) == 400
        with pytest.raises(RequestError, match="more than one Host"):
            check_host(headers_with(None, [(b"host", second)]))


class TestBody:
    @pytest.mark.parametrize("length", [b"1", b"5", b"-1", b"00", b"+0", b"0, 0", b"", b"x", b"9" * 5000])
    def test_a_content_length_other_than_zero_is_refused(self, length: bytes) -> None:
        assert status({b"content-length": length}) == 400

    @pytest.mark.parametrize("coding", [b"chunked", b"identity", b"", b"gzip, chunked"])
    def test_any_transfer_encoding_is_refused(self, coding: bytes) -> None:
        assert status({b"transfer-encoding": coding}) == 400

    def test_a_duplicate_content_length_is_refused(self) -> None:
        assert status({b"content-length": b"0"}, (b"content-length", b"0")) == 400


class TestFieldGrammar:
    @pytest.mark.parametrize(
        "byte", [b"\x00", b"\r", b"\n", b"\r\n ", b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\x7f", b"\x85"]
    )
    @pytest.mark.parametrize(
        "name", [*GOOD, b"origin", b"sec-websocket-protocol", b"sec-websocket-extensions", b"x-any"]
    )
    def test_control_characters_in_any_value(self, name: bytes, byte: bytes) -> None:
        value = GOOD.get(name, b"ab")
        assert status({name: value[:1] + byte + value[1:]}) == 400
        assert status({name: value + byte}) == 400

    @pytest.mark.parametrize("name", [b"", b"host ", b" host", b"a\x00", b"a\x85", b"a b", b"h\xf6"])
    def test_names_that_are_no_tokens(self, name: bytes) -> None:
        assert status({name: b"x"}) == 400

    def test_faults_are_found_among_repeated_fields(self) -> None:
        assert status(None, (b"x-a", b"1"), (b"x-a", b"2\x00")) == 400


class TestOrigin:
    @pytest.mark.parametrize("origin", [b"https://example.com", b"null", b"", b"https://a https://b", b"no origin"])
    def test_readable_origins_are_left_to_the_policy(self, origin: bytes) -> None:
        assert upgrade_with({b"origin": origin}).origin == origin.decode()

    @pytest.mark.parametrize("origin", [b"https://g\xc3\xb6od.com", b"\xff", b"https://good.com\x00", b"https://a\tb"])
    def test_characters_other_than_printable_ascii_are_refused(self, origin: bytes) -> None:
        assert status({b"origin": origin}) == 400

    def test_a_duplicate_field_is_refused(self) -> None:
        assert status({b"origin": b"https://good.com"}, (b"origin", b"https://evil.com")) == 400


class TestSubprotocols:
    @pytest.mark.parametrize(
        ("value", "offered"),
        [
            (b"chat", ("chat",)),
            (b"chat, superchat", ("chat", "superchat")),
            (b" a ,,\tb, ", ("a", "b")),
            (b"Chat,chat", ("Chat", "chat")),
            (b"v1.json~x!#$%&'*+-^_`|", ("v1.json~x!#$%&'*+-^_`|",)),
            (b"t" * MAX_LIST_SIZE, ("t" * MAX_LIST_SIZE,)),
            # Without a value the field is no valid list, but some clients send it.
            (b"", ()),
            (b" ", ()),
        ],
    )
    def test_offered_subprotocols_are_read(self, value: bytes, offered: tuple[str, ...]) -> None:
        assert upgrade_with({b"sec-websocket-protocol": value}).subprotocols == offered

    @pytest.mark.parametrize(
        "value",
        [
            b",",
            b"a b",
            b"a;b",
            b"a/b",
            b'"a"',
            b"a, (b)",
            b"a, a",
            b"a,b,\ta",
            b"caf\xc3\xa9",
            b"a\x00",
            b"a\r\nb: c",
        ],
    )
    def test_malformed_lists_are_refused(self, value: bytes) -> None:
        assert status({b"sec-websocket-protocol": value}) == 400

    def test_a_subprotocol_offered_twice_is_refused(self) -> None:
        assert status({b"sec-websocket-protocol": b"a"}, (b"sec-websocket-protocol", b"a")) == 400

    def test_a_field_that_is_too_long_is_refused(self) -> None:
        assert status({b"sec-websocket-protocol": b"t" * (MAX_LIST_SIZE + 1)}) == 431
        assert status({b"sec-websocket-protocol": b"a" * MAX_LIST_SIZE}, (b"sec-websocket-protocol", b"b")) == 431


class TestExtensions:
    def test_a_field_that_is_too_long_is_refused(self) -> None:
        assert upgrade_with({b"sec-websocket-extensions": b";" * MAX_LIST_SIZE}).extensions == ";" * MAX_LIST_SIZE
        assert status({b"sec-websocket-extensions": b";" * (MAX_LIST_SIZE + 1)}) == 431

    def test_high_bytes_are_read_as_latin1(self) -> None:
        assert upgrade_with({b"sec-websocket-extensions": b"x; a=\xe9"}).extensions == "x; a=é"
