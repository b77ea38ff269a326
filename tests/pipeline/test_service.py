from __future__ import annotations

import copy
import datetime
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from emmett.datastructures import sdict
from emmett.errors import ConfigurationError, HTTPException, UsageError
from emmett.http.response import Response
from emmett.pipeline import DROP, Pipe, collect_pipes, compose_request, compose_websocket, run_hooks, service
from tests.pipeline.recording import Observer, Record


@dataclass
class Point:
    x: int
    y: int


async def respond(result: Any) -> Any:
    return await compose_request([service.json], lambda: result).run({})


async def send(data: Any, *pipes: Pipe) -> Any:
    async def handler() -> None:
        pass

    return await run_hooks(compose_websocket(pipes or [service.json], handler).on_send, data)


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ({"a": [1, 2.5, True, None]}, b'{"a":[1,2.5,true,null]}'),
        ([], b"[]"),
        ("text", b'"text"'),
        (None, b"null"),
        (3, b"3"),
        (Point(1, 2), b'{"x":1,"y":2}'),
        (sdict(a="ä"), '{"a":"ä"}'.encode()),
        (datetime.date(2024, 2, 29), b'"2024-02-29"'),
    ],
)
async def test_a_result_becomes_a_json_response(result: Any, body: bytes) -> None:
    response = await respond(result)
    assert isinstance(response, Response)
    assert response.body == body
    assert response.status == 200
    assert response.content_type == "application/json"


async def test_a_response_is_not_changed() -> None:
    response = Response("text", 201)
    assert await respond(response) is response


async def test_a_redirect_is_not_changed() -> None:
    def handler() -> None:
        raise HTTPException(303)

    with pytest.raises(HTTPException):
        await compose_request([service.json], handler).run({})


async def test_pipes_before_see_the_response_and_a_failure_to_encode() -> None:
    record = Record()
    with pytest.raises(UsageError, match="JSON cannot represent this object"):
        await compose_request([Observer("A", record), service.json], object).call()
    assert record.points == ["A.failure"]


@pytest.mark.parametrize("data", ["text", b"data", bytearray(b"data"), memoryview(b"data")])
async def test_text_and_bytes_are_sent_unchanged(data: Any) -> None:
    assert await send(data) is data


@pytest.mark.parametrize(
    ("data", "text"),
    [({"a": 1}, '{"a":1}'), ([1], "[1]"), (None, "null"), (1.5, "1.5"), (True, "true"), (Point(1, 2), '{"x":1,"y":2}')],
)
async def test_other_values_are_sent_as_json_text(data: Any, text: str) -> None:
    sent = await send(data)
    assert sent == text
    assert isinstance(sent, str)


async def test_a_struct_is_sent_as_json_text() -> None:
    message = msgspec.defstruct("Message", [("room", str)])("lobby")
    assert await send(message) == '{"room":"lobby"}'


async def test_a_value_that_json_cannot_express_reaches_the_sender() -> None:
    with pytest.raises(UsageError, match="JSON cannot represent this object"):
        await send(object())


async def test_a_dropped_message_does_not_become_json() -> None:
    class Swallows(Pipe):
        def on_send(self, data: Any, /) -> Any:
            return DROP

    assert await send({"a": 1}, service.json, Swallows()) is DROP


async def test_received_messages_are_not_changed() -> None:
    async def handler() -> None:
        pass

    flow = compose_websocket([service.json], handler)
    assert flow.on_receive == ()
    assert flow.call is handler


def test_service_decorates_a_handler() -> None:
    @service.json
    def handler() -> None:
        pass

    assert collect_pipes(handler) == (service.json,)
    assert service("json") is service.json


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"service\('xml'\) does not exist: there is service.json"):
        service.xml  # noqa: B018
    with pytest.raises(ConfigurationError, match=r"service\('yaml'\) does not exist"):
        service("yaml")


def test_tools_may_inspect_the_service() -> None:
    assert copy.copy(service).json is service.json
    assert not hasattr(service, "__wrapped__")
