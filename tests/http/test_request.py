from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from emmett.errors import RequestError
from emmett.http import Body
from tests.http.builders import make_request


def test_attributes() -> None:
    request = make_request("POST", "/a b", headers=[("Host", "example.org:8000"), ("X-Colour", "red")])
    assert (request.method, request.scheme, request.path) == ("POST", "http", "/a b")
    assert request.host == "example.org:8000"
    assert request.headers["x-colour"] == "red"
    assert request.client == ("192.0.2.1", 50000)
    assert request.http_version == "1.1"
    assert repr(request) == "<Request POST '/a b'>"


def test_a_request_without_host() -> None:
    assert make_request().host == ""


def test_now_is_the_moment_of_arrival_in_utc() -> None:
    before = datetime.now(UTC)
    request = make_request()
    after = datetime.now(UTC)
    assert before <= request.now <= after
    assert request.now.tzinfo is UTC
    assert request.now == request.now


def test_cookies_are_parsed_once() -> None:
    request = make_request(headers=[("Cookie", "a=1"), ("Cookie", "b=2; nonsense")])
    assert request.cookies["a"].value == "1"
    assert request.cookies["b"].value == "2"
    assert request.cookies is request.cookies
    assert not make_request().cookies


def test_query_params_are_parsed_once() -> None:
    request = make_request(query_string=b"page=2&tag=a&tag=b&blank")
    assert request.query_params == {"page": "2", "tag": ["a", "b"], "blank": ""}
    assert request.query_params.missing is None
    assert request.query_params is request.query_params


@pytest.mark.parametrize(
    ("header", "content_type"),
    [
        ("application/json", "application/json"),
        ("Text/HTML; charset=UTF-8", "text/html"),
        (" text/plain ;x", "text/plain"),
        ("", ""),
    ],
)
def test_content_type_is_the_bare_media_type(header: str, content_type: str) -> None:
    assert make_request(headers=[("Content-Type", header)]).content_type == content_type


def test_a_request_without_content_type() -> None:
    assert make_request().content_type == ""


@pytest.mark.parametrize(
    ("header", "length"),
    [
        ("0", 0),
        ("12", 12),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1, 1", None),
        ("x", None),
        ("²", None),
        ("9" * 5000, None),
    ],
)
def test_content_length(header: str, length: int | None) -> None:
    assert make_request(headers=[("Content-Length", header)]).content_length == length


async def test_body_params_are_the_same_object_every_time() -> None:
    request = make_request("POST", headers=[("Content-Type", "application/json")])
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    request.body = Body(arriving.get, max_size=100)
    readers = [asyncio.create_task(request.body_params) for _ in range(2)]
    # Both have begun, and found nothing to read yet.
    await asyncio.sleep(0)
    arriving.put_nowait(b'{"a": 1}')
    arriving.put_nowait(b"")
    first, second = await asyncio.gather(*readers)
    assert first == {"a": 1}
    assert first is second
    assert await request.body_params is first
    assert await request.body == b'{"a": 1}'


async def test_body_params_of_another_type_leave_the_body_to_be_streamed() -> None:
    request = make_request("POST", headers=[("Content-Type", "text/plain")], body=b"text")
    assert await request.body_params == {}
    assert [chunk async for chunk in request.body] == [b"text"]


async def test_fields_are_limited() -> None:
    request = make_request(
        "POST", headers=[("Content-Type", "application/x-www-form-urlencoded")], body=b"a&b&c", max_fields=2
    )
    with pytest.raises(RequestError) as caught:
        await request.body_params
    assert caught.value.status == 413


def test_a_request_takes_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        make_request().colour = "red"  # type: ignore[attr-defined]
