from __future__ import annotations

import pytest

from benchmarks.handshake import HandshakeRefused, accept_token, check_answer, upgrade_request

# The example of RFC 6455, section 1.3.
KEY, TOKEN = b"dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def answer(status: bytes = b"HTTP/1.1 101 Switching Protocols", token: bytes = TOKEN, *more: bytes) -> bytes:
    return b"\r\n".join((status, b"upgrade: websocket", b"Sec-WebSocket-Accept: " + token, *more, b"", b""))


def test_the_request_has_what_the_rfc_requires() -> None:
    first, *fields = upgrade_request("127.0.0.1", 8000, "/echo/lobby", KEY).split(b"\r\n")
    assert first == b"GET /echo/lobby HTTP/1.1"
    assert fields[-2:] == [b"", b""]
    assert dict(field.split(b": ", 1) for field in fields[:-2]) == {
        b"Host": b"127.0.0.1:8000",
        b"Upgrade": b"websocket",
        b"Connection": b"Upgrade",
        b"Sec-WebSocket-Key": KEY,
        b"Sec-WebSocket-Version": b"13",
    }


def test_the_accept_token_matches_the_example_of_the_rfc() -> None:
    assert accept_token(KEY) == TOKEN


def test_a_correct_response_is_accepted() -> None:
    check_answer(answer(), KEY)


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        (answer(b"HTTP/1.1 403 Forbidden"), "403 Forbidden"),
        (answer(b"nonsense"), "nonsense"),
        (answer(token=b"wrong"), "should be"),
        (answer(b"HTTP/1.1 101 Switching Protocols", TOKEN, b"Sec-WebSocket-Extensions: x"), "extension"),
        (answer() + b"\x81\x00", "before the first message"),
    ],
)
def test_a_wrong_response_is_refused(head: bytes, complaint: str) -> None:
    with pytest.raises(HandshakeRefused, match=complaint):
        check_answer(head, KEY)


def test_an_offered_extension_may_be_accepted_and_is_returned() -> None:
    request = upgrade_request("127.0.0.1", 8000, "/", KEY, "permessage-deflate; client_max_window_bits")
    assert b"\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" in request
    head = answer(b"HTTP/1.1 101 OK", TOKEN, b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12")
    assert check_answer(head, KEY, offered=True) == "permessage-deflate; client_max_window_bits=12"
    assert check_answer(answer(), KEY, offered=True) == ""
