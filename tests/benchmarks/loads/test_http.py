from __future__ import annotations

import pytest

from benchmarks.loads.http import RIGHT, HTTPConnection, get_request, response_body
from tests.benchmarks.loads.test_echo import MemoryTransport

HEAD = b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 08:00:0%d GMT\r\nContent-Length: 13\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b"Hello, World!"


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def connection(complaints: list[str]) -> HTTPConnection:
    connection = HTTPConnection(b"GET", RIGHT["text"], complaints.append)
    connection.transport = MemoryTransport()
    connection.running = True
    connection.send()
    return connection


def test_a_request_is_valid_http_1_1() -> None:
    assert get_request("h", 1, "/p").startswith(b"GET /p HTTP/1.1\r\nHost: h:1\r\n")
    assert get_request("h", 1, "/p").endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (HEAD % 1 + BODY, BODY),
        (HEAD % 1 + BODY[:5], None),
        (b"HTTP/1.1 200 OK\r\nContent-Le", None),
        (b"HTTP", None),
        (CHUNKED + b"5\r\nHello\r\n8;x=y\r\n, World!\r\n0\r\n\r\n", BODY),
        (CHUNKED + b"5\r\nHello\r\n8", None),
        (CHUNKED + b"5\r\nHel", None),
        (b"HTTP/1.1 200 OK\r\n\r\nendless", None),
    ],
)
def test_a_response_is_found_when_it_is_complete(data: bytes, body: bytes | None) -> None:
    assert response_body(data) == body


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "404"),
        (b"nonsense", "nonsense"),
        (HEAD % 1 + BODY + b"!", "more than a response"),
        (CHUNKED + b"0\r\n\r\nmore", "more than a response"),
    ],
)
def test_data_that_is_no_response_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        response_body(data)


def test_responses_count_in_whatever_pieces_they_arrive(connection: HTTPConnection, complaints: list[str]) -> None:
    for number in range(9):
        response = HEAD % number + BODY
        for start in range(0, len(response), number + 20):
            connection.data_received(response[start : start + number + 20])
    assert not complaints
    assert (connection.sent, connection.answered, connection.checked_bytes) == (10, 9, 9 * len(HEAD % 0 + BODY))


@pytest.mark.parametrize("wrong", [b"Hello, World?", b"hello, World!"])
def test_a_wrong_body_of_the_same_length_is_detected(
    connection: HTTPConnection, complaints: list[str], wrong: bytes
) -> None:
    connection.data_received(HEAD % 1 + BODY)
    connection.data_received(HEAD % 2 + wrong)
    assert complaints == [f"the body is {wrong!r}"]


def test_an_unrequested_response_is_detected(connection: HTTPConnection, complaints: list[str]) -> None:
    connection.running = False
    connection.data_received(HEAD % 1 + BODY)
    connection.data_received(HEAD % 2 + BODY)
    assert complaints == ["a response came that nobody asked for"]


def test_json_may_contain_spaces() -> None:
    assert RIGHT["json"](b'{ "message" : "Hello, World!" }')
    assert not RIGHT["json"](b'{"message": "Hello"}')
    assert not RIGHT["json"](b"{")
