"""The application of the cases: an echo that records what it receives."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

from emmett import App, WebsocketClosed, abort, websocket

# The bounds of the route /limits.
MESSAGE_SIZE = 1000
FRAGMENTS = 8


@dataclass(slots=True)
class Record:
    """What the application received on one connection."""

    messages: list[str | bytes] = field(default_factory=list)
    code: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


Records = dict[str, Record]


def make_app(records: Records) -> App:
    """Return the application.

    Arguments:
        records: the record of each connection, by the value of `?case=`; the client adds it before it connects.
    """
    app = App("compliance")

    def record() -> Record:
        return records[str(websocket.query_params.case)]

    async def echo() -> None:
        seen = record()
        try:
            async for message in websocket:
                seen.messages.append(message)
                # The peer may already have closed; still receive what it sent before.
                with contextlib.suppress(WebsocketClosed):
                    await websocket.send(message)
        finally:
            seen.code = websocket.close_code
            seen.ended.set()

    async def close_first(code: int) -> None:
        seen = record()
        try:
            seen.messages.append(await websocket.receive())
            await websocket.close(code, "as asked")
        finally:
            seen.code = websocket.close_code
            seen.ended.set()

    limits: dict[str, Any] = {"max_message_size": MESSAGE_SIZE, "max_fragments": FRAGMENTS}
    deflate: dict[str, Any] = {
        "compression": "deflate",
        "compression_window_bits": 15,
        "compression_min_size": 1,
    }
    app.websocket("/", name="echo")(echo)
    app.websocket("/limits", name="limits", **limits)(echo)
    app.websocket("/deflate", name="deflate", **deflate)(echo)
    app.websocket("/deflate/limits", name="deflate_limits", **deflate, **limits)(echo)
    app.websocket("/close/<int:code>", name="close_first")(close_first)

    @app.websocket("/return")
    async def hang_up() -> None:
        await websocket.accept()
        record().ended.set()

    @app.websocket("/raise")
    async def fail() -> None:
        record().ended.set()
        await websocket.accept()
        raise ConnectionError("the handler fails, as the case requires")

    @app.websocket("/plain")
    async def plain() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.websocket("/chat")
    async def chat() -> None:
        await websocket.accept(subprotocol="chat.v2" if "chat.v2" in websocket.subprotocols else None)
        await plain()

    @app.websocket("/refuse/<int:status>")
    async def refuse(status: int) -> None:
        abort(status)

    return app
