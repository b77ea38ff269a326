"""Results of handlers, encoded by their annotation."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import logging
from collections.abc import AsyncIterator
from typing import Any, Literal, NoReturn, TypedDict

import msgspec
import pydantic
import pytest

from emmett import App, Pipe, Response, response
from emmett.datastructures import sdict
from emmett.dispatch.request_results import is_json, make_finish, media_type, result_annotation
from emmett.errors import ConfigurationError


class Item(msgspec.Struct):
    name: str


class SecretItem(Item):
    secret: str = "x"


class Person(pydantic.BaseModel):
    name: str


@dataclasses.dataclass
class Point:
    x: int


class Options(TypedDict):
    loud: bool


class Text(str):
    __slots__ = ()


class Colour(enum.StrEnum):
    RED = "red"


class Strange:
    pass


class Row:
    """An object of another library, such as a row of a database."""

    name = "tea"
    price = 5

    def __repr__(self) -> str:
        """Return a test id that is the same in every process, because pytest-xdist compares them."""
        return "Row()"


def app_that_returns(result: Any, annotation: Any, **options: Any) -> App:
    app = App(__name__)

    async def handler() -> Any:
        return result

    handler.__annotations__["return"] = annotation
    app.route("/", **options)(handler)
    return app


@pytest.mark.parametrize(
    ("annotation", "result", "text"),
    [
        (int, 5, "5"),
        (bool, True, "true"),
        (float | None, None, "null"),
        (datetime.date, datetime.date(2024, 2, 29), '"2024-02-29"'),
        (Item, Item("tea"), '{"name":"tea"}'),
        (Item, {"name": "tea", "price": 5}, '{"name":"tea"}'),
        (Item, Row(), '{"name":"tea"}'),
        (Item, SecretItem("tea"), '{"name":"tea"}'),
        (list[Item], [SecretItem("tea")], '[{"name":"tea"}]'),
        (Item | None, None, "null"),
        (Person, Person(name="Ada"), '{"name":"Ada"}'),
        (list[Person], [Person(name="Ada")], '[{"name":"Ada"}]'),
        (Point, Point(1), '{"x":1}'),
        (Options, {"loud": True, "more": 1}, '{"loud":true}'),
        (dict[str, Point], {"a": Point(1)}, '{"a":{"x":1}}'),
        (tuple[int, str], (1, "a"), '[1,"a"]'),
    ],
    ids=str,
)
def test_results_are_encoded_as_json(annotation: Any, result: Any, text: str) -> None:
    with app_that_returns(result, annotation).test_client() as client:
        answer = client.get("/")
        assert (answer.status, answer.text, answer.content_type) == (200, text, "application/json")


@pytest.mark.parametrize(
    "annotation",
    [
        Any,
        None,
        str,
        bytes,
        Text,
        Colour,
        Response,
        str | Response,
        Item | str,
        object,
        dict,
        list,
        dict[str, Any],
        dict[str, object],
        AsyncIterator[bytes],
        NoReturn,
        Literal["a"],
    ],
    ids=str,
)
def test_annotations_of_plain_results_need_no_encoder(annotation: Any) -> None:
    assert not is_json(annotation)
    assert make_finish("auto", annotation, "route", is_final=True) is None
    with app_that_returns("text", annotation).test_client() as client:
        assert client.get("/").text == "text"


def test_json_has_its_media_type() -> None:
    types = [int, str, Colour, bytes, None, Any, dict, dict[str, object], Response, str | None]
    assert [media_type(each) for each in types] == [
        "application/json",
        "text/plain",
        "text/plain",
        "application/octet-stream",
        None,
        None,
        "application/json",
        "application/json",
        None,
        None,
    ]


def test_status_headers_and_media_type_of_the_handler_are_kept() -> None:
    app = App(__name__)

    @app.route("/")
    async def create() -> Item:
        response.status = 201
        response.headers["x-a"] = "b"
        response.content_type = "application/vnd.item+json"
        return Item("tea")

    with app.test_client() as client:
        answer = client.get("/")
    assert (answer.status, answer.headers["x-a"], answer.content_type) == (201, "b", "application/vnd.item+json")


def test_a_response_and_text_are_sent_as_they_are() -> None:
    for result, text in ((Response("later", 202), "later"), ("text", "text")):
        with app_that_returns(result, Item).test_client() as client:
            assert client.get("/").text == text


def test_a_result_that_does_not_match_its_annotation_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    with app_that_returns([{"name": 5}], list[Item]).test_client() as client, caplog.at_level(logging.ERROR):
        answer = client.get("/")
    assert (answer.status, answer.text) == (500, "Internal Server Error")
    assert "does not match its annotation" in str(caplog.records[0].exc_info)


def test_pipes_see_the_result_of_the_handler() -> None:
    seen: list[Any] = []

    class See(Pipe):
        async def pipe_request(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            result = await next_pipe(**kwargs)
            seen.append(result)
            return result

    with app_that_returns(Item("tea"), Item, pipeline=[See()]).test_client() as client:
        assert client.get("/").json() == {"name": "tea"}
    assert seen == [Item("tea")]


@pytest.mark.parametrize("annotation", [Strange, list[Strange], Strange | None])
def test_an_annotation_that_json_cannot_represent_is_refused(annotation: Any) -> None:
    with pytest.raises(ConfigurationError, match="JSON cannot represent Strange; use a Struct"):
        app_that_returns(None, annotation)

    class Convert(Pipe):
        async def pipe_request(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            return str(await next_pipe(**kwargs))

    with app_that_returns(None, annotation, pipeline=[Convert()]).test_client() as client:
        assert client.get("/").text == "None"


def test_subclasses_of_built_in_types_are_encoded_as_their_base() -> None:
    with app_that_returns(sdict(a=1), sdict[int]).test_client() as client:
        assert client.get("/").json() == {"a": 1}


def test_the_annotation_of_a_function_is_found() -> None:
    def annotated() -> int: ...  # type: ignore[empty-body]
    def unknown() -> Missing: ...  # type: ignore[name-defined]  # noqa: F821

    @functools.wraps(annotated)
    def wrapped() -> str:
        return ""

    assert result_annotation(annotated, "f") is int
    # An import for type checkers only is no mistake, and a decorator may return anything.
    for function in (unknown, wrapped, lambda: None, functools.partial(annotated)):
        assert result_annotation(function, "f") is Any


def test_output_is_checked() -> None:
    with app_that_returns(b"x", Any, output="str").test_client() as client:
        assert client.get("/").status == 500
    with app_that_returns("x", Any, output="str").test_client() as client:
        assert client.get("/").text == "x"
