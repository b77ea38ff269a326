from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import io
import json
import uuid
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from emmett.datastructures import sdict
from emmett.errors import UsageError
from emmett.http import Response, encode_json, render
from tests.http.builders import make_body, read, sent_headers

TEXT = b"text/plain; charset=utf-8"
BINARY = b"application/octet-stream"


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Place(msgspec.Struct):
    name: str


@pytest.mark.parametrize(
    ("result", "content_type", "content"),
    [
        ("héllo", TEXT, "héllo".encode()),
        ("", TEXT, b""),
        (b"\0\1", BINARY, b"\0\1"),
        (bytearray(b"ab"), BINARY, b"ab"),
        (memoryview(b"ab"), BINARY, b"ab"),
        ({"a": [1, None, "é"]}, b"application/json", '{"a":[1,null,"é"]}'.encode()),
        (sdict(a=1), b"application/json", b'{"a":1}'),
        ([1, 2], b"application/json", b"[1,2]"),
        ([], b"application/json", b"[]"),
        (Point(1, 2), b"application/json", b'{"x":1,"y":2}'),
        (Place("here"), b"application/json", b'{"name":"here"}'),
    ],
)
async def test_results_have_their_content_type(result: object, content_type: bytes, content: bytes) -> None:
    response = Response()
    assert render(result, response) is response
    assert response.body == content
    assert sent_headers(response) == {b"content-type": content_type, b"content-length": b"%d" % len(content)}


def test_none_is_an_empty_body() -> None:
    assert sent_headers(render(None, Response())) == {b"content-length": b"0"}


def test_none_keeps_an_assigned_body() -> None:
    response = Response()
    response.body = "set before"
    assert render(None, response).body == b"set before"


@pytest.mark.parametrize("result", ["text", b"bytes", {"a": 1}, iter([b"x"])])
def test_an_assigned_content_type_is_kept(result: object) -> None:
    response = Response()
    response.content_type = "text/plain"
    assert sent_headers(render(result, response))[b"content-type"] == b"text/plain"


def plain() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


async def asynchronous() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"b"


async def test_iterators_are_streamed() -> None:
    for result in (
        plain(),
        asynchronous(),
        iter([b"a", b"b"]),
        map(str, "ab"),
        io.BytesIO(b"ab"),
        make_body(b"a", b"b"),
    ):
        response = render(result, Response())
        assert response.is_stream
        assert sent_headers(response) == {b"content-type": BINARY}
        assert await read(response.body) == b"ab"


def test_assignments_to_the_response_are_kept() -> None:
    response = Response()
    response.status = 201
    response.headers["x-colour"] = "red"
    response.cookies["a"] = "1"
    render("made", response)
    assert response.status == 201
    assert sent_headers(response)[b"x-colour"] == b"red"
    assert sent_headers(response)[b"set-cookie"] == b"a=1"


def test_a_returned_response_gets_headers_and_cookies_that_it_lacks() -> None:
    context = Response(headers={"x-colour": "red", "x-size": "1"})
    context.cookies["session"] = "context"
    context.cookies["a"] = "context"
    context.cookies["a"]["path"] = "/context"
    result = Response("own", 202, {"X-Size": "2"})
    result.cookies["a"] = "own"
    rendered = render(result, context)
    assert rendered.status == 202
    assert rendered.body == b"own"
    pairs = rendered.raw_headers()
    assert sorted(pairs) == [
        (b"content-length", b"3"),
        (b"content-type", TEXT),
        (b"set-cookie", b"a=own"),
        (b"set-cookie", b"session=context"),
        (b"x-colour", b"red"),
        (b"x-size", b"2"),
    ]


def test_a_shared_response_keeps_no_cookies() -> None:
    shared = Response("same for all")
    context = Response()
    context.cookies["session"] = "secret"
    assert sent_headers(render(shared, context))[b"set-cookie"] == b"session=secret"
    assert b"set-cookie" not in sent_headers(render(shared, Response()))


def test_a_response_without_additions_is_returned_itself() -> None:
    result = Response("x")
    assert render(result, Response()) is result
    assert render(result, result) is result


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Order:
    id: uuid.UUID
    at: datetime.datetime
    places: list[Place]


def test_nested_json_values_are_rendered() -> None:
    moment = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    number = uuid.UUID("12345678-1234-5678-1234-567812345678")
    value = {
        "tuple": (1, 2),
        "set": {3},
        "frozenset": frozenset({4}),
        "datetime": moment,
        "date": moment.date(),
        "duration": datetime.timedelta(seconds=90),
        "uuid": number,
        "enum": Colour.RED,
        "decimal": decimal.Decimal("1.10"),
        "bytes": b"\0",
        "nan": float("nan"),
        "order": Order(number, moment, [Place("here")]),
        5: True,
    }
    assert json.loads(encode_json(value)) == {
        "tuple": [1, 2],
        "set": [3],
        "frozenset": [4],
        "datetime": "2030-01-02T03:04:05Z",
        "date": "2030-01-02",
        "duration": "PT90S",
        "uuid": str(number),
        "enum": "red",
        "decimal": "1.10",
        "bytes": "AA==",
        "nan": None,
        "order": {"id": str(number), "at": "2030-01-02T03:04:05Z", "places": [{"name": "here"}]},
        "5": True,
    }


def test_invalid_cookies_do_not_prevent_an_error_page() -> None:
    context = Response()
    context.cookies["__Host-a"] = "1"
    with pytest.raises(ValueError, match="cookie __Host-a"):
        render("page", context)
    assert sent_headers(render("error page", context)) == {b"content-type": TEXT, b"content-length": b"10"}
    result = Response("page")
    result.cookies["__Host-a"] = "1"
    with pytest.raises(ValueError, match="cookie __Host-a"):
        render(result, context)
    assert sent_headers(render("error page", context)) == {b"content-type": TEXT, b"content-length": b"10"}


class Opaque:
    pass


@pytest.mark.parametrize("result", [1, 1.5, True, ("a", 200), {1, 2}, Opaque(), Opaque, Point, object(), range(3)])
def test_other_types_are_refused_by_name(result: object) -> None:
    with pytest.raises(UsageError, match=rf"returned an? {type(result).__name__}: allowed are str, bytes, dict"):
        render(result, Response())


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"a": Opaque()}, "type Opaque"),
        ([Opaque], "type type"),
        ({(1, 2): 3}, "str-like"),
        ({"a": "\ud800"}, "surrogates"),
    ],
)
def test_values_that_json_cannot_express_are_refused_by_name(value: object, named: str) -> None:
    with pytest.raises(UsageError, match=f"JSON cannot represent this {type(value).__name__}: .*{named}"):
        render(value, Response())


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(UsageError, match="contains itself"):
        encode_json(endless)
