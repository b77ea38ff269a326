"""Handlers whose arguments are read from the query and from the JSON body."""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
from collections.abc import Iterator
from typing import Annotated, Any, TypedDict

import msgspec
import pydantic
import pytest

from emmett import App, Pipe, Response
from emmett.errors import ConfigurationError
from emmett.http.request import Request
from emmett.sessions import Session, SessionManager
from emmett.testing import TestClient
from emmett.typed import FromBody, FromQuery


class Item(msgspec.Struct):
    name: str
    count: Annotated[int, msgspec.Meta(ge=1)] = 1


class Page(msgspec.Struct):
    number: int = 1
    size: int = 10


@dataclasses.dataclass
class Point:
    x: int


class Options(TypedDict):
    loud: bool


class Person(pydantic.BaseModel):
    name: str

    @pydantic.field_validator("name")
    @classmethod
    def check(cls, name: str) -> str:
        if name == "nobody":
            raise ValueError("nobody is nobody")
        return name


class Strange:
    pass


class PassUser(Pipe):
    async def pipe_request(self, next_pipe: Any, /, **kwargs: Any) -> Any:
        return await next_pipe(user="ada", **kwargs)


class PassItem(Pipe):
    passes = ("item",)

    async def pipe_request(self, next_pipe: Any, /, **kwargs: Any) -> Any:
        return await next_pipe(item=Item("from the pipe"), **kwargs)


@pytest.fixture
def app() -> App:
    return App(__name__)


@pytest.fixture
def client(app: App) -> Iterator[TestClient]:
    with app.test_client() as client:
        yield client


def faults_of(answer: Any) -> list[tuple[str, list[Any], str]]:
    assert answer.content_type == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("about:blank", answer.status)
    return [(each["in"], each["path"], each["message"]) for each in problem["errors"]]


@pytest.mark.parametrize(
    ("type_", "body", "result"),
    [
        (Item, {"name": "tea"}, "Item(name='tea', count=1)"),
        (Point, {"x": 3}, "Point(x=3)"),
        (Options, {"loud": True}, "{'loud': True}"),
        (Person, {"name": "Ada"}, "Person(name='Ada')"),
        (list[Item], [{"name": "tea"}], "[Item(name='tea', count=1)]"),
        (dict[str, int], {"a": 1}, "{'a': 1}"),
        (Item | None, None, "None"),
        (Any, [1, {}], "[1, {}]"),
        (FromBody[list[int]], [1, 2], "[1, 2]"),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_async", [True, False])
def test_the_json_body_becomes_an_argument(
    app: App, client: TestClient, type_: Any, body: Any, result: str, is_async: bool
) -> None:
    def plain(value: Any) -> str:
        return repr(value)

    async def later(value: Any) -> str:
        return repr(value)

    handler = later if is_async else plain
    handler.__annotations__["value"] = type_
    app.route("/", methods=["post", "put", "patch"])(handler)
    assert client.post("/", json=body).text == result
    content = json.dumps(body).encode()
    answer = client.request("PUT", "/", content=content, headers={"content-type": "Application/VND.x+JSON; v=1"})
    assert answer.text == result


def test_query_path_and_body_can_be_combined(app: App, client: TestClient) -> None:
    @app.route("/<int:number>", methods="post")
    async def add(number: int, item: Item, page: int, tags: list[str] = [], *, loud: bool = False) -> str:  # noqa: B006
        return repr((number, item.name, page, tags, loud))

    answer = client.post("/5?page=2&tags=a&tags=b&loud=1", json={"name": "tea"})
    assert answer.text == "(5, 'tea', 2, ['a', 'b'], True)"
    assert client.post("/5?page=2&other=x", json={"name": "tea"}).text == "(5, 'tea', 2, [], False)"


def test_all_faults_are_reported_together(app: App, client: TestClient) -> None:
    @app.route("/", methods="post")
    async def add(items: list[Item], page: int, size: int = 1) -> str:
        raise AssertionError

    answer = client.post("/?size=x", json=[{"name": 1}, {"count": 0}])
    assert answer.status == 422
    assert faults_of(answer) == [
        ("query", ["page"], "is missing"),
        ("query", ["size"], "Expected `int`, got `str`"),
        ("body", [0, "name"], "Expected `str`, got `int`"),
        ("body", [1, "name"], "is missing"),
        ("body", [1, "count"], "Expected `int` >= 1"),
    ]
    assert answer.json()["detail"] == "The request has 5 faults."
    assert answer.json()["title"] == "Unprocessable Content"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not valid JSON: Input data was truncated"),
        (b'{"name": "\xff"}', "is not valid JSON: "),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"name": 1e999}', "is not valid JSON: "),
    ],
)
def test_a_body_that_is_not_json_is_refused(app: App, client: TestClient, content: bytes, message: str) -> None:
    @app.route("/", methods="post")
    async def add(item: Item, page: int = 1) -> str:
        raise AssertionError

    answer = client.post("/?page=x", content=content, headers={"content-type": "application/json"})
    assert answer.status == 400
    query, body = faults_of(answer)
    assert query == ("query", ["page"], "Expected `int`, got `str`")
    assert body[:2] == ("body", [])
    assert body[2].startswith(message)


@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("text/plain", b'{"name": "tea"}', 415),
        ("application/x-www-form-urlencoded", b"name=tea", 415),
        ("", b'{"name": "tea"}', 415),
        ("+json", b'{"name": "tea"}', 415),
        ("", b"", 422),
        ("application/json", b"", 422),
    ],
)
def test_a_body_of_another_media_type_is_refused(
    app: App, client: TestClient, content_type: str, content: bytes, status: int
) -> None:
    @app.route("/", methods="post")
    async def add(item: Item) -> str:
        raise AssertionError

    answer = client.post("/", content=content, headers={"content-type": content_type} if content_type else {})
    assert answer.status == status
    ((source, path, message),) = faults_of(answer)
    assert (source, path) == ("body", [])
    assert message.startswith("is missing" if status == 422 else "must be JSON (application/json)")


def test_a_body_may_be_optional(app: App, client: TestClient) -> None:
    @app.route("/", methods="post")
    async def add(item: Item | None = None) -> str:
        return repr(item)

    assert client.post("/").text == "None"
    assert client.post("/", json={"name": "tea"}).text == "Item(name='tea', count=1)"


def test_a_body_that_is_too_large_is_refused(app: App, client: TestClient) -> None:
    @app.route("/", methods="post", max_body_size=10)
    async def add(item: Item) -> str:
        raise AssertionError

    answer = client.post("/", json={"name": "a long name"})
    assert (answer.status, answer.content_type) == (413, "text/plain")


def test_validators_of_models_run(app: App, client: TestClient) -> None:
    @app.route("/", methods="post")
    async def add(people: list[Person]) -> str:
        raise AssertionError

    answer = client.post("/", json=[{"name": "Ada"}, {"name": "nobody"}, {}])
    assert [fault[1] for fault in faults_of(answer)] == [[1, "name"], [2, "name"]]


def test_objects_can_be_read_from_the_query(app: App, client: TestClient) -> None:
    @app.route("/", methods="get")
    async def find(page: Page) -> str:
        return repr(page)

    @app.route("/both", methods="post")
    async def both(item: Item, page: FromQuery[Page]) -> str:
        return repr((item.name, page))

    assert client.get("/?number=3&x=1").text == "Page(number=3, size=10)"
    assert faults_of(client.get("/?number=x")) == [("query", ["number"], "Expected `int`, got `str`")]
    assert client.post("/both?size=2", json={"name": "tea"}).text == "('tea', Page(number=1, size=2))"


def test_long_names_from_the_peer_are_shortened_in_faults(app: App, client: TestClient) -> None:
    @app.route("/", methods="post")
    async def add(items: dict[str, Item]) -> str:
        raise AssertionError

    answer = client.post("/", json={"x" * 100_000: {}})
    assert faults_of(answer) == [("body", ["x" * 200 + "...", "name"], "is missing")]


def test_the_faults_of_a_request_are_not_logged(app: App, client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    @app.route("/", methods="post")
    async def add(item: Item) -> str:
        raise AssertionError

    with caplog.at_level(logging.WARNING):
        assert client.post("/", json={}).status == 422
    assert caplog.records == []


def test_an_error_page_of_the_application_takes_precedence(app: App, client: TestClient) -> None:
    @app.route("/")
    async def find(page: int) -> str:
        raise AssertionError

    @app.on_error(422)
    async def page_for_it() -> str:
        return "own"

    answer = client.get("/")
    assert (answer.status, answer.text, answer.content_type) == (422, "own", "text/plain")


def test_annotated_handles_are_passed_as_arguments(app: App, client: TestClient) -> None:
    app.pipeline = [SessionManager.memory()]

    @app.route("/<str:name>")
    async def greet(name: str, request: Request, answer: Response, visit: Session) -> str:
        answer.headers["x-method"] = request.method
        visit.count = (visit.count or 0) + 1
        return f"{name} {visit.count}"

    client.get("/ada")
    answer = client.get("/ada")
    assert (answer.text, answer.headers["x-method"]) == ("ada 2", "GET")


def test_arguments_from_a_pipe_take_precedence(app: App, client: TestClient) -> None:
    @app.route("/user", pipeline=[PassUser()])
    async def named(user: str, page: int = 1) -> str:
        return f"{user} {page}"

    @app.route("/item", pipeline=[PassItem()])
    async def item(item: Item) -> str:
        return item.name

    assert client.get("/user?user=eve&page=2").text == "ada 2"
    assert client.get("/item?name=eve").text == "from the pipe"
    # A pipe declares what it passes, so that documents do not list it.
    requests = {request.name: request for request in app.describe().requests}
    assert requests["item"].query == ()


def test_faults_are_reported_after_the_pipes_ran(app: App, client: TestClient) -> None:
    class Refuse(Pipe):
        def open(self) -> None:
            from emmett import abort

            abort(401)

    @app.route("/", pipeline=[Refuse()])
    async def find(page: int) -> str:
        raise AssertionError

    assert client.get("/?page=x").status == 401


def plain(a: int = 1, *, b: Any = None) -> None: ...
def strange(value: Strange) -> None: ...
def strange_default(value: Strange | None = None) -> None: ...
def item(item: Item) -> None: ...
def items(items: list[Item]) -> None: ...
def two(first: Item, second: Page) -> None: ...
def nested(order: Annotated[Any, None], page: FromQuery[list[Item]]) -> None: ...
def mapping(page: FromQuery[dict[str, int]]) -> None: ...
def unknown(value: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821


class Basket(msgspec.Struct):
    items: list[Item]


def basket(basket: Basket) -> None: ...


@pytest.mark.parametrize(
    ("function", "methods", "message"),
    [
        (strange, "get", "parameter 'value' is a Strange, which no data can be decoded into; use a Struct"),
        (item, None, "'item' would be the JSON body of POST and the query of GET, HEAD; write methods=\"post\""),
        (items, "get", "'items' has a type that a query cannot contain; it can contain text, numbers"),
        (two, "post", "'first' and 'second' would both be the JSON body; make one type"),
        (nested, "post", "'page' has a type that a query cannot contain"),
        (mapping, "post", "'page' has a type that a query cannot contain"),
        (basket, "get", "'basket' is read from the query, which cannot contain its member 'items'"),
        (unknown, "get", "annotation 'Missing' is unknown; import it outside"),
    ],
)
def test_unsupported_annotations_are_refused(app: App, function: Any, methods: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        app.route("/", methods=methods)(function)
    assert len(app.registrations()) == 0


def test_a_get_request_has_no_body(app: App) -> None:
    def find(order: FromBody[Item]) -> None: ...

    with pytest.raises(ConfigurationError, match="is the JSON body, which a request with GET does not have"):
        app.route("/", methods="get")(find)


def test_a_default_of_another_type_is_kept(app: App, client: TestClient) -> None:
    app.route("/")(strange_default)
    assert client.get("/?value=1").status == 200


def test_functions_without_such_parameters_are_called_directly(app: App) -> None:
    async def untyped(name, page=1) -> str:  # type: ignore[no-untyped-def]
        return f"{name} {page}"

    app.route("/<str:name>")(untyped)
    (registration,) = app.registrations()
    assert registration.function is untyped
    assert registration.arguments is None


def test_partial_functions_and_callable_objects_have_arguments_too(app: App, client: TestClient) -> None:
    async def add(a: int, b: int) -> str:
        return str(a + b)

    class Adder:
        __name__ = "adder"

        async def __call__(self, a: int) -> str:
            return str(a + 1)

    app.route("/partial", name="partial")(functools.partial(add, b=5))
    app.route("/object", name="object")(Adder())
    assert client.get("/partial?a=1").text == "6"
    assert client.get("/object?a=1").text == "2"


def test_arguments_passed_by_a_decorator_are_not_read_from_the_query(app: App, client: TestClient) -> None:
    def with_user(function: Any) -> Any:
        @functools.wraps(function)
        async def call(**kwargs: Any) -> Any:
            return await function(user="ada", **kwargs)

        return call

    @app.route("/")
    @with_user
    async def show(user: str) -> str:
        return user

    assert client.get("/?user=eve").text == "ada"
