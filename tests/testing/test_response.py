from __future__ import annotations

import pytest

from emmett.testing.response import TestResponse
from emmett.testing.urls import parse_url


def response(content: bytes = b"", *headers: tuple[bytes, bytes]) -> TestResponse:
    return TestResponse("GET", parse_url("http://localhost/a?b"), 200, headers, None, content=content)


def test_a_response_has_its_parts() -> None:
    answer = response(b"x", (b"x-one", b"1"), (b"x-one", b"2"))
    assert (answer.method, answer.url, answer.status, answer.content) == ("GET", "http://localhost/a?b", 200, b"x")
    assert answer.headers["X-One"] == "1, 2"
    assert answer.headers.get_all("x-one") == ["1", "2"]
    assert (answer.history, answer.context) == ([], None)
    assert repr(answer) == "<TestResponse 200 of GET http://localhost/a?b>"


@pytest.mark.parametrize(
    ("content_type", "content", "text"),
    [
        (b"text/html; charset=utf-8", "é".encode(), "é"),
        (b'text/plain; Charset="ISO-8859-1"', b"\xe9", "é"),
        (b"text/plain", "é".encode(), "é"),
        (b"text/plain; charset=unheard-of", "é".encode(), "é"),
        (b"text/plain", b"\xff", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_the_text_is_decoded(content_type: bytes, content: bytes, text: str) -> None:
    assert response(content, (b"content-type", content_type)).text == text


def test_the_content_type_is_read() -> None:
    assert response(b"", (b"content-type", b"Text/HTML; charset=utf-8")).content_type == "text/html"
    assert response().content_type == ""


def test_json_is_decoded() -> None:
    assert response(b'{"a": [1, "\xc3\xa9"]}').json() == {"a": [1, "é"]}


@pytest.mark.parametrize("content", [b"", b"<p>", b'"\xff"'])
def test_invalid_json_is_an_error_that_shows_it(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"200 of GET http://localhost/a\?b> is not JSON but text/html: "):
        response(content, (b"content-type", b"text/html")).json()


def test_cookies_have_their_attributes() -> None:
    cookies = response(
        b"", (b"set-cookie", b"a=1; Path=/; HttpOnly; Max-Age=60; SameSite=Lax"), (b"set-cookie", b'b="x y"; secure')
    ).cookies
    assert {name: morsel.value for name, morsel in cookies.items()} == {"a": "1", "b": "x y"}
    assert (cookies["a"]["path"], cookies["a"]["httponly"], cookies["a"]["max-age"]) == ("/", True, "60")
    assert (cookies["a"]["samesite"], cookies["a"]["secure"], cookies["b"]["secure"]) == ("Lax", "", True)
