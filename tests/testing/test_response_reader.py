from __future__ import annotations

import pytest

from emmett.testing.response_reader import ResponseReader


def read(data: bytes, method: str = "GET", cut: int | None = None) -> ResponseReader:
    reader = ResponseReader(method)
    for start in range(0, len(data), cut or len(data)):
        reader.feed(data[start : start + (cut or len(data))])
    return reader


FIXED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nHello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHe\r\n3\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n"


@pytest.mark.parametrize("cut", [None, 1, 2, 7])
@pytest.mark.parametrize("data", [FIXED, CHUNKED])
def test_a_body_is_read_however_it_is_framed_and_cut(data: bytes, cut: int | None) -> None:
    reader = read(data, cut=cut)
    assert (reader.status, b"".join(reader.chunks), reader.complete) == (200, b"Hello", True)
    assert b"x-trailer" not in dict(reader.headers)
    reader.feed_end()


def test_names_are_in_lower_case_and_repeated_ones_are_kept() -> None:
    assert read(FIXED).headers == [(b"content-length", b"5"), (b"x-a", b"1"), (b"x-a", b"2")]


def test_chunks_are_available_as_they_arrive() -> None:
    reader = read(CHUNKED[: CHUNKED.index(b"3\r\n")])
    assert (reader.chunks, reader.complete) == ([b"He"], False)


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 404 Not Found\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        ("GET", b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x00"),
    ],
)
def test_a_response_without_a_body_is_complete_with_its_head(method: str, data: bytes) -> None:
    reader = read(data, method)
    assert (reader.complete, reader.chunks) == (True, [])


def test_interim_responses_come_before_the_real_one() -> None:
    reader = read(b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n")
    assert (reader.status, reader.may_send) == (0, False)
    reader.feed(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert (reader.status, reader.may_send, reader.complete) == (0, True, False)
    reader.feed(FIXED)
    assert (reader.status, reader.headers[0], reader.complete) == (200, (b"content-length", b"5"), True)


def test_a_body_may_end_with_the_connection() -> None:
    reader = read(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nHello")
    assert not reader.complete
    reader.feed_end()
    assert (reader.complete, reader.chunks) == (True, [b"Hello"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "before the response"),
        (b"HTTP/1.1 200 OK\r\ncontent-", "before the response"),
        (FIXED[:-2], "after 3 bytes of the body"),
        (CHUNKED[:-4], "after 5 bytes of the body"),
    ],
)
def test_a_connection_that_ends_too_early_is_an_error(data: bytes, message: str) -> None:
    reader = ResponseReader("GET")
    if data:
        reader.feed(data)
    with pytest.raises(ConnectionResetError, match=message):
        reader.feed_end()


def test_anything_but_http_is_an_error() -> None:
    with pytest.raises(ConnectionError, match="not valid HTTP"):
        read(b"SSH-2.0-OpenSSH\r\n")


def test_data_after_the_response_is_ignored() -> None:
    reader = read(FIXED + b"garbage")
    reader.feed(b"more")
    assert (reader.complete, b"".join(reader.chunks)) == (True, b"Hello")
