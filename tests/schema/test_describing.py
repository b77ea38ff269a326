from __future__ import annotations

import dataclasses
import json
from typing import Any

import msgspec
import pytest

from emmett import App
from emmett.schema import DescribedMethod, Description, describe
from tests.schema.applications import make_app

REF = "#/components/schemas/"


@pytest.fixture
def description() -> Description:
    return make_app().describe()


def method(description: Description, name: str) -> DescribedMethod:
    return next(each for each in description.calls[0].methods if each.name == name)


def test_calls_are_described(description: Description) -> None:
    (calls,) = description.calls
    assert (calls.name, [path.template for path in calls.paths], calls.security) == (
        "calls",
        ["/api/{room}"],
        ("TokenPipe",),
    )
    assert [(each.name, each.kind) for each in calls.methods] == [
        ("say", "call"),
        ("add", "call"),
        ("pets/find it", "call"),
        ("answer", "stream"),
        ("typing", "event"),
    ]
    (said,) = calls.emitted
    assert (said.name, said.schema, said.description) == (
        "said",
        {"$ref": f"{REF}Said"},
        "Something that was said.",
    )


def test_a_method_may_take_an_object(description: Description) -> None:
    say = method(description, "say")
    assert say.takes_object
    assert say.params == {"$ref": f"{REF}Say"}
    assert say.result == {"$ref": f"{REF}Said"}
    assert (say.limit, say.timeout, say.security) == ("20/s", 5, ("KeyPipe",))
    assert say.description == "Say something.\n\nEverybody in the room gets it."


def test_a_method_may_take_parameters(description: Description) -> None:
    add = method(description, "add")
    assert not add.takes_object
    assert [(each.name, each.is_required) for each in add.parameters] == [
        ("a", True),
        ("b", False),
        ("point", False),
        ("options", True),
    ]
    assert add.params["properties"]["b"] == {"type": "integer", "default": 0}
    assert add.params["required"] == ["a", "options"]
    assert add.params["additionalProperties"] is False


def test_results_are_described(description: Description) -> None:
    assert method(description, "answer").result == {"$ref": f"{REF}Said"}
    assert method(description, "typing").result is None
    assert method(description, "pets/find it").result == {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"$ref": f"{REF}Person-Output"}},
    }


def test_websockets_are_described(description: Description) -> None:
    chat, plain = description.websockets
    assert [path.template for path in chat.paths] == ["/chat", "/chat/{number}"]
    assert [(each.name, each.content_type) for each in chat.receives] == [
        ("Say", "application/json"),
        ("text", "text/plain"),
    ]
    assert [each.schema for each in chat.sends] == [{"$ref": f"{REF}Said"}]
    assert (plain.receives, plain.sends) == ((), ())


def test_requests_are_described(description: Description) -> None:
    post, index = description.requests
    assert [path.template for path in post.paths] == ["/posts/{day}/{name}.html"]
    assert (post.methods, post.hostname) == (("GET", "POST", "HEAD"), None)
    assert (index.name, index.methods, index.hostname, index.security) == (
        "admin.index",
        ("GET",),
        "admin.example",
        ("KeyPipe",),
    )
    assert list(description.security) == ["KeyPipe", "TokenPipe"]


def test_a_description_is_the_same_each_time_and_can_be_encoded() -> None:
    first, second = (msgspec.json.encode(make_app().describe()) for _ in range(2))
    assert first == second
    assert set(json.loads(first)) == {"about", "requests", "calls", "websockets", "schemas", "security"}


def test_routes_of_emmett_itself_are_left_out() -> None:
    app = App(__name__)
    app.schema()
    assert describe(app.registrations(), app.about).requests == ()
    assert {"/openapi.json", "/asyncapi.json"} <= {route.path for route in app.routes}


def test_generated_docstrings_are_left_out() -> None:
    @dataclasses.dataclass
    class Move:
        x: int

    app = App(__name__)

    @app.websocket("/game", receives=Move | list[int] | dict[str, Any], sends=bytes)
    async def game() -> None:
        pass

    (game_route,) = app.describe().websockets
    assert [(each.name, each.description) for each in game_route.receives] == [
        ("Move", ""),
        ("message2", ""),
        ("message3", ""),
    ]
    assert [(each.name, each.content_type) for each in game_route.sends] == [("binary", "application/octet-stream")]
