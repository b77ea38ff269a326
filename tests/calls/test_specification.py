"""The examples of section 7 of the JSON-RPC 2.0 specification, verbatim.

An error may have `data`, which the examples leave out; it is checked elsewhere.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from emmett import App

INVALID_REQUEST = {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": None}
PARSE_ERROR = {"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": None}

EXAMPLES: list[tuple[str, str, Any]] = [
    (
        "rpc call with positional parameters",
        '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
        {"jsonrpc": "2.0", "result": 19, "id": 1},
    ),
    (
        "rpc call with positional parameters, the other way round",
        '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
        {"jsonrpc": "2.0", "result": -19, "id": 2},
    ),
    (
        "rpc call with named parameters",
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
        {"jsonrpc": "2.0", "result": 19, "id": 3},
    ),
    (
        "rpc call with named parameters, the other way round",
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
        {"jsonrpc": "2.0", "result": 19, "id": 4},
    ),
    ("a notification", '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', None),
    ("another notification", '{"jsonrpc": "2.0", "method": "foobar"}', None),
    (
        "rpc call of non-existent method",
        '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
        {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"},
    ),
    ("rpc call with invalid JSON", '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', PARSE_ERROR),
    (
        "rpc call with invalid request object",
        '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
        INVALID_REQUEST,
    ),
    (
        "rpc call batch, invalid JSON",
        """[
          {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
          {"jsonrpc": "2.0", "method"
        ]""",
        PARSE_ERROR,
    ),
    ("rpc call with an empty array", "[]", INVALID_REQUEST),
    ("rpc call with an invalid batch, but not empty", "[1]", [INVALID_REQUEST]),
    ("rpc call with invalid batch", "[1,2,3]", [INVALID_REQUEST, INVALID_REQUEST, INVALID_REQUEST]),
    (
        "rpc call batch",
        """[
            {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
            {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
            {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
            {"foo": "boo"},
            {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
            {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
        ]""",
        [
            {"jsonrpc": "2.0", "result": 7, "id": "1"},
            {"jsonrpc": "2.0", "result": 19, "id": "2"},
            INVALID_REQUEST,
            {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
            {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"},
        ],
    ),
    (
        "rpc call batch, all notifications",
        """[
            {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
            {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
        ]""",
        None,
    ),
]


def make_app(heard: list[Any]) -> App:
    app = App(__name__)
    calls = app.calls("/api")

    @calls.method()
    async def subtract(minuend: int, subtrahend: int) -> int:
        return minuend - subtrahend

    @calls.method("sum")
    async def add(a: int, b: int, c: int) -> int:
        return a + b + c

    @calls.method()
    async def get_data() -> list[Any]:
        return ["hello", 5]

    @calls.event()
    async def update(a: int, b: int, c: int, d: int, e: int) -> None:
        heard.append([a, b, c, d, e])

    @calls.event("notify_hello")
    async def hello(number: int) -> None:
        heard.append(number)

    @calls.event("notify_sum")
    async def total(a: int, b: int, c: int) -> None:
        heard.append(a + b + c)

    return app


def without_data(message: Any) -> Any:
    if isinstance(message, list):
        return [without_data(each) for each in message]
    message.get("error", {}).pop("data", None)
    return message


def _by_id(reply: Any) -> str:
    return str(reply["id"])


@pytest.mark.parametrize(("sent", "answer"), [pytest.param(*each[1:], id=each[0]) for each in EXAMPLES])
async def test_the_example_is_answered_as_written(sent: str, answer: Any) -> None:
    heard: list[Any] = []
    async with make_app(heard).test_client_async() as client, client.websocket("/api") as raw:
        await raw.send(sent)
        # If the example has no reply, the next reply must be that of this call.
        await raw.send('{"jsonrpc": "2.0", "method": "get_data", "id": "end"}')
        end = {"jsonrpc": "2.0", "result": ["hello", 5], "id": "end"}
        count = 1 if answer is None else 2
        received = [without_data(json.loads(await raw.receive())) for _ in range(count)]
    received.remove(end)
    replies = received
    if isinstance(answer, list):
        [reply] = replies
        assert sorted(reply, key=_by_id) == sorted(answer, key=_by_id)
    else:
        assert replies == ([] if answer is None else [answer])
    notifications = {"update": [[1, 2, 3, 4, 5]], "notify_sum": [7, 7], "notify_hello": [7]}
    expected = next((heard for name, heard in notifications.items() if name in sent), [])
    assert heard == expected
