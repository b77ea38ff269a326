from __future__ import annotations

from typing import Any

import pytest

from emmett import App
from tests.schema.applications import Said, make_app

REF = "#/components/schemas/"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return make_app().asyncapi()


def payload(document: dict[str, Any], message: str) -> Any:
    return document["components"]["messages"][message]["payload"]


def reply(document: dict[str, Any], operation: str) -> list[str]:
    messages = document["operations"][operation]["reply"]["messages"]
    return [each["$ref"].removeprefix("#/channels/calls/messages/") for each in messages]


def test_a_call_has_a_reply(document: dict[str, Any]) -> None:
    assert payload(document, "calls.say.call") == {
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "id": {"$ref": f"{REF}jsonrpc.Id"},
            "method": {"const": "say"},
            "params": {"$ref": f"{REF}Say"},
        },
        "required": ["jsonrpc", "id", "method", "params"],
    }
    assert reply(document, "calls.say") == ["calls.say.result", "calls.say.error", "calls.error"]
    assert payload(document, "calls.say.result")["properties"]["result"] == {"$ref": f"{REF}Said"}
    operation = document["operations"]["calls.say"]
    assert operation["summary"] == "Say something."
    assert operation["description"].endswith("It may be called 20/s.\n\nA call is cancelled after 5 s.")


def test_a_stream_has_items_and_an_empty_result(document: dict[str, Any]) -> None:
    assert reply(document, "calls.answer") == ["calls.answer.item", "calls.answer.result", "calls.error"]
    params = payload(document, "calls.answer.item")["properties"]["params"]
    assert params["properties"]["value"] == {"$ref": f"{REF}Said"}
    assert payload(document, "calls.answer.result")["properties"]["result"] == {"type": "null"}


def test_an_event_has_no_id_and_no_reply(document: dict[str, Any]) -> None:
    assert "reply" not in document["operations"]["calls.typing"]
    assert payload(document, "calls.typing.event")["required"] == ["jsonrpc", "method", "params"]
    assert "correlationId" not in document["components"]["messages"]["calls.typing.event"]


def test_a_method_of_any_name_is_an_operation(document: dict[str, Any]) -> None:
    assert "calls.pets_find_it" in document["operations"]
    assert payload(document, "calls.pets_find_it.call")["properties"]["method"] == {"const": "pets/find it"}


def test_calls_can_be_cancelled(document: dict[str, Any]) -> None:
    assert document["operations"]["calls.cancel"]["action"] == "receive"
    assert payload(document, "calls.cancel")["properties"]["method"] == {"const": "$/cancelRequest"}


def test_errors_are_listed(document: dict[str, Any]) -> None:
    message = document["components"]["messages"]["calls.error"]
    assert "| -32602 | the parameters do not match |" in message["description"]
    assert message["payload"]["properties"]["error"] == {"$ref": f"{REF}jsonrpc.Error"}


def test_errors_of_a_method_are_described(document: dict[str, Any]) -> None:
    message = document["components"]["messages"]["calls.say.error"]
    assert message["description"] == "- 17: Nobody listens.\n- 423: The room is locked."
    error = message["payload"]["properties"]["error"]
    assert error["allOf"] == [{"$ref": f"{REF}jsonrpc.Error"}, {"properties": {"code": {"enum": [17, 423]}}}]


def test_a_route_that_only_sends_has_no_errors() -> None:
    app = App(__name__)
    app.calls("/feed").emits(Said)
    assert list(app.asyncapi()["operations"]) == ["calls.said.emit"]


def test_params_may_be_left_out_if_nothing_is_required() -> None:
    app = App(__name__)

    @app.calls("/api").method()
    async def roll(sides: int = 6) -> int:
        return sides

    assert payload(app.asyncapi(), "calls.roll.call")["required"] == ["jsonrpc", "id", "method"]
