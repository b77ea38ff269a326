"""An application with calls, some types, and raw JSON-RPC on a websocket of the test client."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from emmett import App
from emmett.calls.calls import Calls
from emmett.testing import TestWebsocket


class Say(msgspec.Struct):
    """A message of a client, as a parameter of a method."""

    room: str
    text: str = ""


class Said(msgspec.Struct):
    """An event of the server."""

    text: str


@dataclasses.dataclass
class UserJoined:
    """An event of the server that is a dataclass."""

    name: str


def make_app(**settings: Any) -> tuple[App, Calls]:
    """Return an application and its calls at /api, with these settings."""
    app = App(__name__)
    return app, app.calls("/api", **settings)


class Wire:
    """Sends and receives messages as they are on the wire.

    Arguments:
        websocket: the open websocket.
    """

    def __init__(self, websocket: TestWebsocket) -> None:
        self.websocket = websocket

    async def send(self, **members: Any) -> None:
        """Send a message with these members."""
        await self.websocket.send(json.dumps({"jsonrpc": "2.0", **members}))

    async def receive(self) -> Any:
        """Return the next message, without its version."""
        message = json.loads(await self.websocket.receive())
        for each in message if isinstance(message, list) else [message]:
            assert each.pop("jsonrpc") == "2.0"
        return message

    async def ask(self, **members: Any) -> Any:
        """Send a message, and return the next one from the server."""
        await self.send(**members)
        return await self.receive()


@contextlib.asynccontextmanager
async def wire_to(app: App, path: str = "/api") -> AsyncIterator[Wire]:
    """Run an application, and open a websocket."""
    async with app.test_client_async() as client, client.websocket(path) as websocket:
        yield Wire(websocket)
