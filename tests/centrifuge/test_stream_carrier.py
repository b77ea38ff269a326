from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from emmett.centrifuge.stream_carrier import HIGH_WATER, MAX_FRAMES, StreamCarrier
from emmett.channels.sink import Batch
from emmett.errors import WebsocketClosed
from tests.channels.kit import turns


async def taken(carrier: StreamCarrier) -> list[str | bytes]:
    carrier.end(3000, "connection closed")
    return [message async for message in carrier.messages()]


async def test_messages_are_sent_in_order() -> None:
    carrier = StreamCarrier()
    await carrier.accept()
    await carrier.send("a")
    assert carrier.deliver(Batch(["b", "c"]))
    assert await taken(carrier) == ["a", "b", "c"]


async def test_senders_wait_and_batches_are_refused_while_nothing_is_read() -> None:
    carrier = StreamCarrier()
    await carrier.send("x" * (HIGH_WATER + 1))
    sender = asyncio.ensure_future(carrier.send("later"))
    called: list[Any] = []
    carrier.when_ready(lambda: called.append(1))
    await turns()
    assert not sender.done()
    assert carrier.deliver(Batch(["refused"])) is False
    assert called == []
    messages = carrier.messages()
    assert len(await anext(messages)) == HIGH_WATER + 1
    await sender
    await turns()
    assert called == [1]
    assert await anext(messages) == "later"
    await messages.aclose()  # type: ignore[attr-defined]


async def test_the_last_message_is_a_push_about_the_end() -> None:
    carrier = StreamCarrier()
    await carrier.close(3503, "force disconnect")
    await carrier.close(3000, "again")
    assert carrier.closed
    (message,) = await taken(carrier)
    assert json.loads(message) == {"push": {"disconnect": {"code": 3503, "reason": "force disconnect"}}}
    for use in (lambda: carrier.deliver(Batch(["x"])), lambda: asyncio.ensure_future(carrier.send("x"))):
        with pytest.raises(WebsocketClosed, match="3503"):
            found = use()
            assert not isinstance(found, bool)
            await found


async def test_a_client_may_reconnect_after_some_ends() -> None:
    carrier = StreamCarrier()
    await carrier.close(3011, "force reconnect")
    assert '"reconnect":true' in (await taken(carrier))[0]


async def test_the_end_wakes_waiting_tasks() -> None:
    carrier = StreamCarrier()
    called: list[Any] = []
    await carrier.send("x" * (HIGH_WATER + 1))
    sender = asyncio.ensure_future(carrier.send("never"))
    carrier.when_ready(lambda: called.append(1))
    await turns()
    carrier.end(3000, "connection closed")
    with pytest.raises(WebsocketClosed):
        await sender
    await turns()
    assert called == [1]


async def test_waiting_commands_are_limited_and_read_in_order() -> None:
    carrier = StreamCarrier()
    assert all(carrier.feed(str(number)) for number in range(MAX_FRAMES))
    assert carrier.feed("one too many") is False
    frames = carrier.frames()
    assert [await anext(frames) for _ in range(MAX_FRAMES)] == list(map(str, range(MAX_FRAMES)))
    waiting = asyncio.ensure_future(anext(frames))
    await turns()
    assert carrier.feed("next")
    assert await waiting == "next"
    carrier.end(3000, "connection closed")
    assert [frame async for frame in frames] == []
