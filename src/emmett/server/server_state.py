"""`ServerState`: what a server shares with its connections."""

from __future__ import annotations

import asyncio
from typing import Any


class ServerState:
    """What a server shares with its connections.

    Attributes:
        connections: the connections that are open or whose handler runs, oldest first; `shutdown()` asks one to end,
            and `task` is that of a websocket's handler. The values mean nothing: a set of thousands takes up to three
            times the memory of a dict.
        requests: the tasks of all requests.
        default_headers: the fields that every response has: the date, which the server renews once a second.
    """

    def __init__(self) -> None:
        self.connections: dict[Any, None] = {}
        self.requests: set[asyncio.Task[None]] = set()
        self.default_headers: list[tuple[bytes, bytes]] = []

    def tasks(self) -> set[asyncio.Task[None]]:
        """Return the tasks of all handlers, of requests and of websockets."""
        websockets = (connection.task for connection in self.connections)
        return self.requests.union(task for task in websockets if task is not None)
