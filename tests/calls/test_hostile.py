"""Whatever a client sends, each call is answered once, nothing is logged as a failure, and the connection survives."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emmett import App

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=12,
)
names = st.sampled_from(
    ["add", "draw", "items", "typing", "slow", "unknown", "$/cancelRequest", "$/progress", "", "rpc.x"]
)
fitting = st.sampled_from(
    [[1, 2], {"a": 1}, {"a": 1, "b": 2}, {"x": 1}, ["a"], {"to": 2}, {"to": 2, "progressToken": "t"}]
)
near_params = st.one_of(fitting, values, st.fixed_dictionaries({"id": scalars}))
near = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.one_of(st.just("2.0"), st.just("2.0"), st.just("2.0"), values),
        "id": st.one_of(st.integers(0, 3), st.text(max_size=2), values),
        "method": st.one_of(names, names, values),
        "params": near_params,
        "result": values,
        "error": values,
        "other": values,
    },
)
valid = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": names, "params": near_params}, optional={"id": scalars}
)
messages = st.one_of(valid, near, values)
frames = st.one_of(messages, st.lists(messages, max_size=5))
broken = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=40),
    st.integers(1, 3000).map(lambda depth: "[" * depth),
    st.integers(1, 3000).map(
        lambda depth: '{"jsonrpc":"2.0","id":1,"method":"add","params":' + "[" * depth + "]" * depth + "}"
    ),
    st.tuples(frames, st.integers(0, 60)).map(lambda pair: json.dumps(pair[0])[: pair[1]]),
)


class Point(msgspec.Struct):
    x: int
    y: int = 0


def make_app() -> App:
    app = App(__name__)
    calls = app.calls("/api", max_refusals="1000000/s", max_in_flight=8)

    @calls.method()
    async def add(a: int, b: int = 0) -> int:
        return a + b

    @calls.method()
    async def draw(point: Point) -> Point:
        return point

    @calls.method()
    async def items(to: int) -> AsyncIterator[int]:
        for number in range(min(to, 5)):
            yield number

    @calls.method(ordered=True, limit="3/h", max_params_size=20)
    async def slow(value: str = "") -> str:
        await asyncio.sleep(0)
        return value

    @calls.event()
    async def typing(room: str) -> None: ...

    return app


def encode_json(message: Any) -> str:
    return json.dumps(message)


def encode_packed(message: Any) -> bytes:
    try:
        return msgspec.msgpack.encode(message)
    except OverflowError:
        return b"\xc1"


async def exchange(subprotocol: str, sent: list[str | bytes]) -> list[Any]:
    """Send frames, then a valid call, and return the frames up to its answer."""
    is_packed = "msgpack" in subprotocol
    decode: Any = msgspec.msgpack.decode if is_packed else json.loads
    last = {"jsonrpc": "2.0", "id": "the end", "method": "add", "params": [20, 22]}
    received: list[Any] = []
    async with make_app().test_client_async() as client, client.websocket("/api", subprotocols=[subprotocol]) as raw:
        for data in sent:
            await raw.send(data)
        await raw.send(encode_packed(last) if is_packed else encode_json(last))
        while not received or received[-1] != {"jsonrpc": "2.0", "id": "the end", "result": 42}:
            received.append(decode(await raw.receive()))
    return received


@pytest.mark.parametrize("subprotocol", ["jsonrpc-2.0", "jsonrpc-2.0+msgpack"])
def test_any_hostile_message_leaves_the_connection_usable(subprotocol: str, caplog: pytest.LogCaptureFixture) -> None:
    encode: Any = encode_packed if "msgpack" in subprotocol else encode_json

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.one_of(frames.map(encode), broken), max_size=12))
    def check(sent: list[str | bytes]) -> None:
        caplog.clear()
        received = asyncio.run(exchange(subprotocol, sent))
        for frame in received:
            for message in frame if isinstance(frame, list) else [frame]:
                assert message["jsonrpc"] == "2.0"
                assert ("method" in message) + ("result" in message) + ("error" in message) == 1
                if "error" in message:
                    assert message["error"]["code"] in {-32700, -32600, -32601, -32602, -32029, -32800}
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []

    check()
