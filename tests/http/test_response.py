from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from emmett.errors import UsageError
from emmett.http import Response
from tests.http.builders import read, sent_headers

TEXT = b"text/plain; charset=utf-8"


async def chunks() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"b"


def test_a_response_may_be_empty() -> None:
    response = Response()
    assert response.status == 200
    assert response.body == b""
    assert response.content_type is None
    assert response.raw_headers() == [(b"content-length", b"0")]


def test_a_response_may_be_text() -> None:
    response = Response("é", 201, {"X-Colour": "red"})
    assert response.status == 201
    assert response.body == "é".encode()
    assert response.content_type == "text/plain; charset=utf-8"
    assert sent_headers(response) == {b"x-colour": b"red", b"content-type": TEXT, b"content-length": b"2"}


def test_the_content_type_is_an_argument_a_header_or_an_attribute() -> None:
    for response in (
        Response("x", content_type="text/plain"),
        Response("x", headers={"Content-Type": "text/plain"}),
        Response("x", headers={"Content-Type": "text/css"}, content_type="text/plain"),
    ):
        assert response.content_type == "text/plain"
        assert sent_headers(response)[b"content-type"] == b"text/plain"
        response.content_type = None
        assert response.content_type == "text/plain; charset=utf-8"


def test_an_assigned_body_determines_the_content_type() -> None:
    response = Response("text")
    response.body = b"\0"
    assert sent_headers(response) == {b"content-type": b"application/octet-stream", b"content-length": b"1"}


async def test_a_response_may_be_a_stream() -> None:
    for body in (chunks(), [b"a", b"b"], ("a", "b"), iter([b"a", b"b"])):
        response = Response(body)
        assert response.is_stream
        assert b"content-length" not in sent_headers(response)
        assert await read(response.body) == b"ab"


async def test_a_stream_and_bytes_have_chunks() -> None:
    assert [chunk async for chunk in Response(chunks()).chunks()] == [b"a", b"b"]
    assert [chunk async for chunk in Response(b"ab").chunks()] == [b"ab"]
    assert [chunk async for chunk in Response().chunks()] == []


@pytest.mark.parametrize("body", [5, None, {"a": 1}, object()])
def test_other_bodies_are_refused_by_name(body: object) -> None:
    with pytest.raises(UsageError, match=f"body of type {type(body).__name__}: allowed are str, bytes"):
        Response(body)  # type: ignore[arg-type]
    response = Response("kept")
    with pytest.raises(UsageError):
        response.body = body  # type: ignore[assignment]
    assert response.body == b"kept"


@pytest.mark.parametrize("status", [0, 99, 100, 101, 199, 600, -200])
def test_a_status_that_is_not_final_is_refused(status: int) -> None:
    with pytest.raises(ValueError, match=f"status {status}: expected a whole number from 200 to 599"):
        Response(status=status)
    response = Response()
    with pytest.raises(ValueError, match="status"):
        response.status = status
    assert response.status == 200


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("body", ["text", b"bytes", [b"chunk"]])
def test_204_and_304_have_neither_content_nor_length(status: int, body: str | bytes | list[bytes]) -> None:
    response = Response(body, status, {"Content-Length": "5", "Content-Type": "text/plain", "ETag": '"x"'})
    assert response.body == b""
    assert not response.is_stream
    assert sent_headers(response) == {b"etag": b'"x"'}


def test_205_has_no_content_and_says_so() -> None:
    response = Response("text", 205)
    assert response.body == b""
    assert sent_headers(response) == {b"content-length": b"0"}


def test_the_length_of_bytes_is_counted() -> None:
    response = Response(b"12345", headers={"Content-Length": "7"})
    assert sent_headers(response)[b"content-length"] == b"5"


def test_the_length_of_a_stream_is_the_one_set_by_the_application() -> None:
    response = Response(chunks(), headers={"Content-Length": "2"})
    assert sent_headers(response)[b"content-length"] == b"2"


@pytest.mark.parametrize("body", [b"x", [b"x"]])
def test_framing_is_left_to_the_server(body: bytes | list[bytes]) -> None:
    assert b"transfer-encoding" not in sent_headers(Response(body, headers={"Transfer-Encoding": "chunked"}))


def test_each_cookie_has_a_line() -> None:
    response = Response()
    response.cookies["a"] = "1"
    response.cookies["a"]["path"] = "/"
    response.cookies["b"] = "x;y"
    lines = [value for name, value in response.raw_headers() if name == b"set-cookie"]
    assert lines == [b"a=1; Path=/", rb'b="x\073y"']


def test_cookies_are_checked_together_before_they_are_sent() -> None:
    response = Response()
    response.check_cookies()
    response.cookies["a"] = "1"
    response.cookies["a"]["samesite"] = "None"
    for check in (response.check_cookies, response.raw_headers):
        with pytest.raises(ValueError, match="samesite='None' needs secure=True"):
            check()
    response.cookies["a"]["secure"] = True
    response.check_cookies()
    assert sent_headers(response)[b"set-cookie"] == b"a=1; SameSite=None; Secure"


def test_headers_that_would_split_the_response_are_refused() -> None:
    with pytest.raises(ValueError, match="header x"):
        Response(headers={"x": "a\r\nb: c"})
    response = Response()
    with pytest.raises(ValueError, match="header content-type"):
        response.content_type = "text/html\r\nx: y"


async def test_aclose_releases_a_stream_that_is_not_sent() -> None:
    for status in (200, 204):
        source = chunks()
        response = Response(source, status)
        await response.aclose()
        await response.aclose()
        assert [chunk async for chunk in source] == []


async def test_aclose_of_bytes_does_nothing() -> None:
    response = Response(b"x")
    await response.aclose()
    assert response.body == b"x"


def test_content_length_is_not_taken_from_defaults() -> None:
    defaults = Response(headers={"content-length": "5", "x-colour": "red"})
    assert sent_headers(Response(chunks()).with_defaults(defaults)) == {
        b"x-colour": b"red",
        b"content-type": b"application/octet-stream",
    }
    assert defaults.headers["content-length"] == "5"


@pytest.mark.parametrize(
    ("own", "inherited", "merged"),
    [
        (None, None, None),
        ("accept", None, "accept"),
        (None, "Cookie", "Cookie"),
        ("accept", "origin, Cookie", "accept, origin, Cookie"),
        ("accept, COOKIE", "Cookie, origin", "accept, COOKIE, origin"),
        ("*", "Cookie", "*"),
        ("accept", "*", "*"),
    ],
)
def test_vary_fields_are_merged(own: str | None, inherited: str | None, merged: str | None) -> None:
    defaults = Response(headers={"Vary": inherited} if inherited else {"x-colour": "red"})
    response = Response("x", headers={"VARY": own} if own else None)
    for _ in range(2):
        assert response.with_defaults(defaults).headers.get("vary") == merged
    assert (response.headers.get("vary"), defaults.headers.get("vary")) == (own, inherited)


def test_with_defaults_keeps_the_class() -> None:
    class Page(Response):
        title = ""

    page = Page("x")
    page.title = "A page"
    merged = page.with_defaults(Response(headers={"x": "y"}))
    assert isinstance(merged, Page)
    assert merged.title == "A page"
    assert merged is not page


def test_the_repr_shows_status_and_type() -> None:
    assert repr(Response("x", 404)) == "<Response 404 text/plain; charset=utf-8>"
