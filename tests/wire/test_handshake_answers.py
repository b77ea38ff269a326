"""The responses to an upgrade request: 101, or a refusal (RFC 6455, 4.2.2)."""

from __future__ import annotations

import http.client
import io
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from emmett.wire.fields import HeaderFields
from emmett.wire.handshake import (
    accept_response,
    check_accept,
    check_refusal,
    check_upgrade,
    is_upgrade,
    refusal_response,
)
from tests.wire.upgrade_maker import ACCEPT, upgrade_with

OFFERING = upgrade_with({b"sec-websocket-protocol": b"chat, soap"})
BY_THE_SERVER = [
    "Connection",
    "Content-Length",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "sec-websocket-protocol",
    "TRANSFER-ENCODING",
]
BAD_HEADERS: list[HeaderFields] = [
    {"x-a": "b\r\nset-cookie: c"},
    {"x-a": "b\n"},
    {"x-a": "b\0"},
    {"x-a": "€"},
    {"x-a\r\nx-b": "c"},
    {"x a": "b"},
    {"": "b"},
    [("x-ok", "a"), (b"x-a", b"b\rc")],
]


class FakeSocket(socket.socket):
    """Lets `http.client` read a response from memory."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, *_arguments: object, **_options: object) -> io.BytesIO:  # type: ignore[override]
        return io.BytesIO(self._answer)

    def close(self) -> None:
        pass

    def __del__(self) -> None:
        pass


def read(answer: bytes) -> tuple[http.client.HTTPResponse, bytes]:
    response = http.client.HTTPResponse(FakeSocket(answer))
    response.begin()
    body = response.read()
    return response, body


class TestAcceptResponse:
    def test_the_response_matches_the_example_of_the_rfc(self) -> None:
        assert accept_response(upgrade_with(), subprotocol=None) == (
            b"HTTP/1.1 101 Switching Protocols\r\n"
            b"Upgrade: websocket\r\n"
            b"Connection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n"
        )

    def test_a_response_may_have_every_field(self) -> None:
        answer = accept_response(
            OFFERING,
            subprotocol="soap",
            headers=[("Set-Cookie", "a=1"), (b"set-cookie", b"b=\xe9")],
            extensions="permessage-deflate; server_max_window_bits=12",
        )
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert rest == b""
        lines = head.split(b"\r\n")
        assert lines[:4] == [
            b"HTTP/1.1 101 Switching Protocols",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + ACCEPT,
        ]
        assert [line.lower() for line in lines[4:]] == [
            b"set-cookie: a=1",
            b"set-cookie: b=\xe9",
            b"sec-websocket-protocol: soap",
            b"sec-websocket-extensions: permessage-deflate; server_max_window_bits=12",
        ]

    def test_headers_may_be_a_mapping(self) -> None:
        assert b"\r\nx-a: b\r\n" in accept_response(upgrade_with(), subprotocol=None, headers={"X-A": "b"})

    @pytest.mark.parametrize("subprotocol", ["", "CHAT", "chat, soap", "chat\r\nx: y", "other", "é", "chat "])
    def test_a_subprotocol_that_was_not_offered_is_refused(self, subprotocol: str) -> None:
        with pytest.raises(ValueError, match="not offered; offered are 'chat', 'soap'"):
            accept_response(OFFERING, subprotocol=subprotocol)
        with pytest.raises(ValueError, match="the client offers none"):
            accept_response(upgrade_with(), subprotocol=subprotocol)

    @pytest.mark.parametrize("name", [*BY_THE_SERVER, "Upgrade"])
    def test_headers_that_the_server_sets(self, name: str) -> None:
        with pytest.raises(ValueError, match=f"header '{name.lower()}' cannot be set here"):
            accept_response(OFFERING, subprotocol=None, headers={name: "x"})

    @pytest.mark.parametrize("headers", BAD_HEADERS)
    def test_invalid_headers_are_refused(self, headers: HeaderFields) -> None:
        with pytest.raises(ValueError, match="header"):
            accept_response(OFFERING, subprotocol=None, headers=headers)

    @pytest.mark.parametrize("extensions", ["a\r\nb", "a\0", "€"])
    def test_invalid_extensions_are_refused(self, extensions: str) -> None:
        with pytest.raises(ValueError, match="Sec-WebSocket-Extensions"):
            accept_response(OFFERING, subprotocol=None, extensions=extensions)

    @given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=10)), max_size=3), st.text(max_size=5))
    def test_the_response_has_exactly_the_requested_lines(
        self, headers: list[tuple[str, str]], subprotocol: str
    ) -> None:
        try:
            answer = accept_response(OFFERING, subprotocol=subprotocol or "chat", headers=headers)
        except ValueError:
            return
        assert answer.count(b"\n") == answer.count(b"\r\n") == 6 + len(headers)
        assert answer.endswith(b"\r\n\r\n")


class TestCheckAccept:
    def test_valid_arguments_are_accepted(self) -> None:
        assert check_accept(("chat",), "chat", {"X-A": "b"}) == [(b"x-a", b"b")]
        assert check_accept((), None) == []

    def test_invalid_arguments_are_refused(self) -> None:
        with pytest.raises(ValueError, match="not offered"):
            check_accept(["chat"], "soap")
        with pytest.raises(ValueError, match="cannot be set"):
            check_accept((), None, {"sec-websocket-protocol": "chat"})


class TestRefusalResponse:
    def test_a_refusal_is_a_complete_response(self) -> None:
        assert refusal_response(403, b"no", [("Content-Type", "text/plain")]) == (
            b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"
        )

    def test_an_upgrade_field_is_named_in_connection(self) -> None:
        answer = refusal_response(426, b"", {"Sec-WebSocket-Version": "13", "Upgrade": "websocket"})
        response, _ = read(answer)
        assert response.status == 426
        assert response.getheader("sec-websocket-version") == "13"
        assert response.getheader("upgrade") == "websocket"
        assert response.getheader("connection") == "close, upgrade"

    @pytest.mark.parametrize("status", [200, 303, 400, 404, 431, 500, 503, 505, 599])
    def test_a_client_can_read_a_refusal(self, status: int) -> None:
        response, body = read(refusal_response(status, b"\r\n\r\nHTTP/1.1 200 OK", {"Date": "today", "X-\u0041": "é"}))
        assert response.status == status
        assert response.getheader("date") == "today"
        assert response.getheader("x-a") == "é"
        assert response.getheader("connection") == "close"
        assert body == b"\r\n\r\nHTTP/1.1 200 OK"

    def test_a_status_may_have_no_phrase(self) -> None:
        assert refusal_response(599, b"").startswith(b"HTTP/1.1 599 \r\n")

    @pytest.mark.parametrize(("status", "length"), [(204, None), (205, "0"), (304, None), (200, "0")])
    def test_a_body_may_be_empty(self, status: int, length: str | None) -> None:
        response, body = read(refusal_response(status, b""))
        assert response.getheader("content-length") == length
        assert body == b""

    @pytest.mark.parametrize("status", [204, 205, 304])
    def test_a_body_is_refused_where_there_must_be_none(self, status: int) -> None:
        with pytest.raises(ValueError, match=f"status {status} has no body"):
            refusal_response(status, b"x")

    @pytest.mark.parametrize("status", [0, -1, 99, 100, 101, 103, 199, 600, 1000, "404", None])
    def test_other_statuses_are_refused(self, status: int) -> None:
        with pytest.raises(ValueError, match="allowed are 200 to 599"):
            refusal_response(status, b"")
        with pytest.raises(ValueError, match="allowed are 200 to 599"):
            check_refusal(status)

    @pytest.mark.parametrize("name", BY_THE_SERVER)
    def test_headers_that_the_server_sets(self, name: str) -> None:
        with pytest.raises(ValueError, match=f"header '{name.lower()}' cannot be set here"):
            refusal_response(403, b"", {name: "x"})

    @pytest.mark.parametrize("headers", BAD_HEADERS)
    def test_invalid_headers_are_refused(self, headers: HeaderFields) -> None:
        with pytest.raises(ValueError, match="header"):
            refusal_response(403, b"", headers)

    def test_check_refusal_returns_the_fields(self) -> None:
        assert check_refusal(404, {"X-A": "b"}) == [(b"x-a", b"b")]


@pytest.mark.parametrize("secure", [False, True])
def test_another_client_library_accepts_the_response(secure: bool) -> None:
    uri = parse_uri(f"ws{'s' if secure else ''}://example.com:8000/chat")
    client = ClientProtocol(
        uri, subprotocols=[Subprotocol("v2"), Subprotocol("v1")], extensions=[ClientPerMessageDeflateFactory()]
    )
    request = client.connect()
    headers = [(name.lower().encode(), value.encode()) for name, value in request.headers.raw_items()]
    assert is_upgrade(headers)
    upgrade = check_upgrade(b"GET", "1.1", headers)
    assert (upgrade.host, upgrade.subprotocols) == ("example.com:8000", ("v2", "v1"))
    answer = accept_response(upgrade, subprotocol="v1", headers={"X-A": "b"}, extensions="permessage-deflate")
    client.send_request(request)
    client.receive_data(answer)
    assert client.handshake_exc is None
    assert client.state is State.OPEN
    assert client.subprotocol == "v1"
    assert len(client.extensions) == 1
