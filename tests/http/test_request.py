from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from emmett.config import HTTPSettings
from emmett.errors import RequestError, UsageError
from emmett.http import Body, UploadedFile
from tests.http.builders import form, form_request, make_request, part


def test_the_attributes_of_a_request_are_read() -> None:
    request = make_request("POST", "/a b", headers=[("Host", "example.org:8000"), ("X-Colour", "red")])
    assert (request.method, request.scheme, request.path) == ("POST", "http", "/a b")
    assert request.host == "example.org:8000"
    assert request.headers["x-colour"] == "red"
    assert request.client == ("192.0.2.1", 50000)
    assert request.http_version == "1.1"
    assert repr(request) == "<Request POST '/a b'>"


def test_a_request_may_have_no_host() -> None:
    assert make_request().host == ""


def test_now_is_the_time_of_arrival_in_utc() -> None:
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


def test_a_request_may_have_no_content_type() -> None:
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
def test_content_length_is_read(header: str, length: int | None) -> None:
    assert make_request(headers=[("Content-Length", header)]).content_length == length


async def test_body_params_are_the_same_object_every_time() -> None:
    request = make_request("POST", headers=[("Content-Type", "application/json")])
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    request.body = Body(arriving.get, max_size=100)
    readers = [asyncio.create_task(request.body_params) for _ in range(2)]
    # Both tasks have started, and found nothing to read yet.
    await asyncio.sleep(0)
    arriving.put_nowait(b'{"a": 1}')
    arriving.put_nowait(b"")
    first, second = await asyncio.gather(*readers)
    assert first == {"a": 1}
    assert first is second
    assert await request.body_params is first
    assert await request.body == b'{"a": 1}'


async def test_after_empty_body_params_the_body_can_still_be_streamed() -> None:
    request = make_request("POST", headers=[("Content-Type", "text/plain")], body=b"text")
    assert await request.body_params == {}
    assert [chunk async for chunk in request.body] == [b"text"]


async def test_fields_are_limited() -> None:
    request = make_request(
        "POST",
        headers=[("Content-Type", "application/x-www-form-urlencoded")],
        body=b"a&b&c",
        settings=HTTPSettings(max_body_fields=2),
    )
    with pytest.raises(RequestError) as caught:
        await request.body_params
    assert caught.value.status == 413


async def test_a_route_has_settings_of_its_own() -> None:
    request = form_request(form(part("a", b"x" * 50), part("b", b"1")), max_body_size=10, max_body_fields=1)
    request.configure(HTTPSettings(max_body_size=1000, max_body_fields=2, body_timeout=5))
    assert (request.body.max_size, request.body.timeout) == (1000, 5)
    assert await request.body_params == {"a": "x" * 50, "b": "1"}


async def test_fields_and_files_of_a_form_are_read() -> None:
    body = form(part("title", b"x"), part("photo", b"y", filename="a.jpg"), part("photo", b"z", filename="b.jpg"))
    for files_first in (True, False):
        request = form_request(body)
        if files_first:
            await request.files
        assert await request.body_params == {"title": "x"}
        assert await request.body_params is await request.body_params
        files = await request.files
        assert files is await request.files
        assert isinstance(files.photo, list)
        assert [file.filename for file in files.photo] == ["a.jpg", "b.jpg"]
        assert files.other is None
        await request.aclose()


async def test_several_tasks_can_read_one_form() -> None:
    request = form_request(form(part("a", b"1"), part("f", b"2", filename="f")))
    params, files, again = await asyncio.gather(request.body_params, request.files, request.body_params)
    assert params is again
    assert (params, list(files)) == ({"a": "1"}, ["f"])


async def test_a_body_that_was_read_can_still_be_read_as_a_form() -> None:
    body = form(part("f", b"2", filename="f"))
    request = form_request(body)
    assert await request.body == body
    assert list(await request.files) == ["f"]
    assert await request.body == body


async def test_a_form_that_was_read_cannot_be_read_as_a_body() -> None:
    request = form_request(form())
    await request.body_params
    with pytest.raises(UsageError, match="already streamed"):
        await request.body


@pytest.mark.parametrize("content_type", ["", "application/json", "application/x-www-form-urlencoded"])
async def test_other_bodies_have_no_files(content_type: str) -> None:
    request = make_request("POST", headers=[("Content-Type", content_type)], body=b"{}")
    assert await request.files == {}
    assert await request.body == b"{}"


async def test_other_multipart_types_are_415() -> None:
    request = make_request("POST", headers=[("Content-Type", "multipart/mixed; boundary=x")], body=b"--x--")
    for attempt in (request.body_params, request.files):
        with pytest.raises(RequestError) as caught:
            await attempt
        assert caught.value.status == 415


async def test_nothing_is_left_of_a_form_after_its_request() -> None:
    request = form_request(form(part("f", b"2", filename="f")))
    file = (await request.files).f
    assert isinstance(file, UploadedFile)
    await request.aclose()
    await request.aclose()
    with pytest.raises(UsageError, match="save them before"):
        await file.read()


async def test_a_form_cannot_be_read_after_its_request() -> None:
    request = form_request(form())
    await request.aclose()
    for attempt in (request.body_params, request.files):
        with pytest.raises(UsageError, match="answered"):
            await attempt


def test_accepts_chooses_a_media_type() -> None:
    request = make_request(headers=[("Accept", "text/html;q=0.5"), ("Accept", "application/json")])
    assert request.accepts("text/html", "application/json") == "application/json"
    assert request.accepts("image/png") is None
    assert make_request().accepts("image/png") == "image/png"
    with pytest.raises(UsageError):
        request.accepts()


def test_other_attributes_cannot_be_set() -> None:
    with pytest.raises(AttributeError):
        make_request().colour = "red"  # type: ignore[attr-defined]
