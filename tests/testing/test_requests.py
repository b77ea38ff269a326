from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from emmett.errors import UsageError
from emmett.testing.requests import ClientRequest, RequestOptions, make_request, merged
from emmett.testing.urls import parse_url

URL = parse_url("http://localhost:8000/a?b")


def make(method: str, options: RequestOptions | None = None) -> ClientRequest:
    return make_request(method, URL, [(b"x-default", b"1")], options or {})


async def pieces() -> AsyncIterator[bytes]:
    yield b"a"


def test_a_plain_request_has_a_head() -> None:
    assert make("get").head("") == b"GET /a?b HTTP/1.1\r\nhost: localhost:8000\r\nx-default: 1\r\n\r\n"


def test_cookies_and_headers_are_sent() -> None:
    head = make("GET", {"headers": {"X-Default": "2", "X-More": "é"}}).head("a=1")
    assert head.endswith(b"\r\nx-default: 2\r\nx-more: \xe9\r\ncookie: a=1\r\n\r\n")
    assert b"x-default: 1" not in head


def test_explicit_headers_override_defaults() -> None:
    head = make("GET", {"headers": [("Host", "other"), ("Cookie", "b=2"), ("X", "1"), ("X", "2")]}).head("a=1")
    assert head == b"GET /a?b HTTP/1.1\r\nx-default: 1\r\nhost: other\r\ncookie: b=2\r\nx: 1\r\nx: 2\r\n\r\n"


@pytest.mark.parametrize(
    ("options", "content", "content_type"),
    [
        ({"content": "é"}, "é".encode(), b"text/plain; charset=utf-8"),
        ({"content": b"\x00"}, b"\x00", None),
        ({"content": bytearray(b"\x00")}, b"\x00", None),
        ({"data": {"a": "1 2", "b": ["x", "é"]}}, b"a=1+2&b=x&b=%C3%A9", b"application/x-www-form-urlencoded"),
        ({"json": {"a": [None]}}, b'{"a":[null]}', b"application/json"),
        ({"json": None}, b"null", b"application/json"),
        ({"content": b"{}", "headers": {"Content-Type": "text/x"}}, b"{}", b"text/x"),
    ],
)
def test_bodies_are_encoded(options: RequestOptions, content: bytes, content_type: bytes | None) -> None:
    request = make("POST", options)
    fields = dict(request.fields)
    assert (request.content, fields.get(b"content-type")) == (content, content_type)
    assert fields[b"content-length"] == b"%d" % len(content)


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("DELETE", None), ("POST", b"0"), ("PUT", b"0")])
def test_a_request_may_have_no_body(method: str, length: bytes | None) -> None:
    assert dict(make(method).fields).get(b"content-length") == length


def test_an_async_iterable_is_sent_in_chunks() -> None:
    request = make("POST", {"content": pieces()})
    assert request.is_chunked
    assert not request.has(b"content-length")


def test_an_async_iterable_may_have_a_given_length() -> None:
    request = make("POST", {"content": pieces(), "headers": {"Content-Length": "1"}})
    assert not request.is_chunked


def test_expect_continue_is_sent() -> None:
    assert make("POST", {"content": b"x", "headers": {"Expect": "100-Continue"}}).expects_continue
    assert not make("POST", {"content": b"x"}).expects_continue


def test_a_form_may_have_files() -> None:
    request = make(
        "POST",
        {
            "data": {"title": "é", "tag": ["a", "b"]},
            "files": {
                "one": ('a\r\n"é.txt', b"A", "text/x"),
                "two": [("b.png", b"\r\n--"), b"C"],
            },
        },
    )
    content_type = dict(request.fields)[b"content-type"]
    found = re.fullmatch(rb"multipart/form-data; boundary=([\w-]+)", content_type)
    assert found is not None
    assert isinstance(request.content, bytes)
    start, *parts, end = request.content.split(b"--" + found[1])
    assert (start, end) == (b"", b"--\r\n")
    assert [part.decode() for part in parts] == [
        '\r\nContent-Disposition: form-data; name="title"\r\n\r\né\r\n',
        '\r\nContent-Disposition: form-data; name="tag"\r\n\r\na\r\n',
        '\r\nContent-Disposition: form-data; name="tag"\r\n\r\nb\r\n',
        '\r\nContent-Disposition: form-data; name="one"; filename="a%0D%0A%22é.txt"\r\n'
        "Content-Type: text/x\r\n\r\nA\r\n",
        '\r\nContent-Disposition: form-data; name="two"; filename="b.png"\r\nContent-Type: image/png\r\n\r\n\r\n--\r\n',
        '\r\nContent-Disposition: form-data; name="two"; filename="two"\r\n'
        "Content-Type: application/octet-stream\r\n\r\nC\r\n",
    ]


def test_two_forms_have_different_boundaries() -> None:
    assert make("POST", {"files": {"a": b""}}).fields != make("POST", {"files": {"a": b""}}).fields


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"content": b"", "json": 1}, "content and json do not go together"),
        ({"data": {}, "json": 1, "files": {}}, "data and json and files do not go together"),
        ({"data": "a=1"}, "data takes the fields of a form"),
        ({"content": 7}, "content of type int"),
        ({"files": {"a": ("name",)}}, r"files\['a'\]: expected \(filename, bytes\)"),
        ({"files": {"a": ("name", "text")}}, r"files\['a'\]: expected \(filename, bytes\)"),
    ],
)
def test_contradictory_arguments_are_an_error(options: RequestOptions, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make("POST", options)


def test_an_invalid_method_is_refused() -> None:
    with pytest.raises(UsageError, match="expected a name such as GET"):
        make("GET /")


def test_an_invalid_header_is_refused() -> None:
    with pytest.raises(ValueError, match="control character"):
        make("GET", {"headers": {"X": "a\r\nY: b"}})


def test_merged_keeps_all_values_of_a_field() -> None:
    assert merged([(b"a", b"1"), (b"b", b"1")], [(b"a", b"2"), (b"a", b"3")]) == [
        (b"b", b"1"),
        (b"a", b"2"),
        (b"a", b"3"),
    ]


def test_errors_show_method_and_target() -> None:
    assert str(make("GET")) == "GET /a?b"
