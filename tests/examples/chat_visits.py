"""Visitors of the chat: how they enter, and what they receive in a room."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from emmett.testing import AsyncTestClient
from emmett.testing.response import TestResponse
from emmett.testing.websocket import TestWebsocket
from examples.chat.app import app
from tests.examples.board_visits import hidden_fields

_numbers = itertools.count(1)


async def enter(client: AsyncTestClient, name: str, room: str) -> TestResponse:
    """Fill in the form of the start page."""
    client.cookies.clear()
    fields = hidden_fields((await client.get("/")).text)
    return await client.post("/", data={"name": name, "room": room, **fields})


class Visitor(NamedTuple):
    """A visitor in a room.

    Fields:
        websocket: their websocket.
        welcome: the welcome message.
        early: messages before the welcome.
    """

    websocket: TestWebsocket
    welcome: dict[str, Any]
    early: list[dict[str, Any]]

    async def say(self, text: str, **fields: Any) -> str:
        """Send a message, and return its id."""
        told = {"id": f"number-{next(_numbers)}", "text": text, **fields}
        await self.websocket.send_json({"jsonrpc": "2.0", "id": told["id"], "method": "say", "params": told})
        return str(told["id"])

    async def next(self) -> dict[str, Any]:
        """Return the next message."""
        if self.early:
            return self.early.pop(0)
        while (event := decode(await self.websocket.receive())) is None:
            pass
        return event

    async def hear(self, kind: str = "message") -> dict[str, Any]:
        """Return the next message of a kind."""
        while (event := await self.next())["type"] != kind:
            pass
        return event


def decode(text: str | bytes) -> dict[str, Any] | None:
    """Return the event in a message, with its decoded publication; None for the reply to a successful call."""
    message = msgspec.json.decode(text)
    if "error" in message:
        return {"type": "error", "id": message["id"], **message["error"]}
    if message.get("method") == "welcome":
        return {"type": "welcome", **message["params"]}
    if message.get("method") != "published":
        return None
    event: dict[str, Any] = message["params"]
    if event["type"] == "message":
        event["data"] = msgspec.json.decode(event["data"])
    return event


@contextlib.asynccontextmanager
async def in_room(
    client: AsyncTestClient, name: str, room: str = "tea", since: str | None = None
) -> AsyncIterator[Visitor]:
    """Keep a new visitor in a room while the block runs."""
    await enter(client, name, room)
    query = "" if since is None else f"?since={quote(since)}"
    async with client.websocket(f"/rooms/{room}/live{query}") as websocket:
        early: list[dict[str, Any]] = []
        while (event := decode(await websocket.receive())) is None or event["type"] != "welcome":
            if event is not None:
                early.append(event)
        yield Visitor(websocket, event, early)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[AsyncTestClient]:
    """Start the chat."""
    async with app.test_client_async() as client:
        yield client
