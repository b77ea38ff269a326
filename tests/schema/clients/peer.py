"""A server that the test drives by hand, one message at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response


class ScriptedPeer:
    """A server whose connections are taken by the test, which reads and writes JSON-RPC on them.

    Attributes:
        url: where it listens.
        statuses: the HTTP statuses with which it refuses the next handshakes.
    """

    def __init__(self) -> None:
        self.url = ""
        self.statuses: list[int] = []
        self.paths: list[str] = []
        self._connections: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def accept(self) -> Line:
        """Wait for the next connection."""
        return Line(await self._connections.get())

    def take_request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        return connection.respond(self.statuses.pop(0), "refused") if self.statuses else None

    async def handle(self, connection: ServerConnection) -> None:
        await self._connections.put(connection)
        await connection.wait_closed()


class Line:
    """One connection, as the server sees it."""

    def __init__(self, websocket: ServerConnection) -> None:
        self.websocket = websocket

    async def read(self) -> dict[str, Any]:
        """Return the next message, without its version."""
        message: dict[str, Any] = json.loads(await self.websocket.recv())
        assert message.pop("jsonrpc") == "2.0"
        return message

    async def write(self, *messages: dict[str, Any]) -> None:
        """Send messages, each in a frame."""
        for message in messages:
            await self.websocket.send(json.dumps({"jsonrpc": "2.0", **message}))

    async def items(self, token: int, *values: Any) -> None:
        """Send items of a stream."""
        await self.write(*({"method": "$/progress", "params": {"token": token, "value": value}} for value in values))

    async def close(self, code: int, reason: str = "") -> None:
        await self.websocket.close(code, reason)

    async def break_off(self) -> None:
        """End the TCP connection without a Close frame."""
        self.websocket.transport.abort()
        await self.websocket.wait_closed()


@contextlib.asynccontextmanager
async def scripted_peer() -> AsyncIterator[ScriptedPeer]:
    """Run a server."""
    peer = ScriptedPeer()
    async with serve(peer.handle, "127.0.0.1", 0, process_request=peer.take_request, compression=None) as server:
        peer.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/api"
        yield peer
