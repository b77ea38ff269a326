"""An application whose calls SDKs make, for the generated wrappers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

import msgspec

from emmett import App, Channels
from emmett.centrifuge import Centrifuge, Client, Identity
from emmett.errors import CallError

app = App(__name__)
channels = Channels(app)
channels.namespace("room", may_subscribe=lambda _: True)
calls = app.calls("/api")
centrifuge = Centrifuge(app, channels, calls=calls)

cancelled = asyncio.Event()
asked = asyncio.Event()


class Said(msgspec.Struct):
    text: str
    where: str


calls.emits(Said)


@app.on_startup
def begin() -> None:
    """Create the objects that belong to the running loop."""
    global cancelled, asked
    cancelled, asked = asyncio.Event(), asyncio.Event()


@centrifuge.on_connect
async def connect(client: Client, data: object) -> Identity:
    return Identity("ada")


@calls.method()
async def add(a: int, b: int = 0) -> int:
    """Add two numbers."""
    return a + b


@calls.method()
async def nothing() -> None: ...


@calls.method()
async def say(text: str, to: Literal["caller", "user", "channel"]) -> int:
    """Send a message."""
    said = Said(text, to)
    match to:
        case "caller":
            await calls.notify(said)
        case "user":
            await calls.notify(said, user="ada")
        case _:
            await calls.notify(said, channel="room:1")
    return 1


@calls.event()
async def typing(text: str) -> None:
    await calls.notify(Said(text, "channel"), channel="room:1")


@calls.method()
async def answer(prompt: str) -> AsyncIterator[str]:
    """Answer word by word."""
    for word in ("You", "asked:", prompt):
        yield word


@calls.method()
async def count(to: int) -> AsyncIterator[int]:
    """Count, and break the connection in the middle."""
    client = centrifuge.client
    for number in range(to):
        if number == to // 2:
            await client.disconnect(3011, "force reconnect")
        yield number


@calls.method()
async def endless() -> AsyncIterator[int]:
    """Count until cancelled."""
    try:
        number = 0
        while True:
            yield number
            number += 1
            await asyncio.sleep(0.001)
    finally:
        cancelled.set()


@calls.method()
async def never() -> AsyncIterator[int]:
    """Yield nothing."""
    asked.set()
    await asyncio.Event().wait()
    yield 0


@calls.method()
async def was_cancelled() -> bool:
    await cancelled.wait()
    return True


@calls.method()
async def was_read() -> None:
    """Wait until a client has asked for something that never comes."""
    await asked.wait()


@calls.method()
async def broken() -> AsyncIterator[str]:
    yield "one"
    raise CallError(1018, "no more")


@calls.method()
async def fail(code: int) -> None:
    raise CallError(code, "as you wish")
