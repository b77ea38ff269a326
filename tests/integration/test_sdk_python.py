"""centrifuge-python in both encodings: each publication once and in order, with a reconnect in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from centrifuge import Client, SubscriptionEventHandler  # type: ignore[import-untyped]

from tests.integration.servers import run_emmett
from tests.integration.test_sdk_javascript import make_app


class Room(SubscriptionEventHandler):  # type: ignore[misc]
    """Collects publications until there are twenty."""

    def __init__(self, decode: Callable[[Any], Any]) -> None:
        self._decode = decode
        self.seen: list[Any] = []
        self.recovered: list[bool] = []
        self.complete = asyncio.Event()

    async def on_subscribed(self, context: Any) -> None:
        self.recovered.append(context.recovered)

    async def on_publication(self, context: Any) -> None:
        self.seen.append(self._decode(context.pub.data))
        if len(self.seen) == 20:
            self.complete.set()


@pytest.mark.parametrize("protobuf", [False, True], ids=["json", "protobuf"])
async def test_a_reconnect_loses_nothing(protobuf: bool) -> None:
    def encode(value: Any) -> Any:
        return json.dumps(value).encode() if protobuf else value

    room = Room(json.loads if protobuf else lambda value: value)
    async with run_emmett(make_app()) as running:
        client = Client(
            f"{running.url}/connection/websocket",
            use_protobuf=protobuf,
            min_reconnect_delay=0.01,
        )
        subscription = client.new_subscription("room:1", room)
        await client.connect()
        await subscription.subscribe()
        for number in range(10):
            await subscription.publish(encode(number))
        total = await client.rpc("add", encode({"a": 1, "b": 2}))
        assert total.data == encode(3)
        assert len((await subscription.presence()).clients) == 1
        # The server ends the connection, and publishes the rest meanwhile; the call may be answered or not.
        leaving = asyncio.ensure_future(client.rpc("leave", encode({})))
        await room.complete.wait()
        await asyncio.gather(leaving, return_exceptions=True)
        assert len((await subscription.history(limit=-1)).publications) == 20
        await client.disconnect()
    assert room.seen == list(range(20))
    assert room.recovered == [False, True]
