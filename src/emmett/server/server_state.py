"""`ServerState`: what a server shares with its connections."""

from __future__ import annotations

import asyncio
from typing import Any


class ServerState:
    """What a server shares with its connections.

    Attributes:
        connections: the open connections; `shutdown()` asks one to end.
        tasks: the tasks of all handlers.
        default_headers: the fields that every response has: the date, which the server renews once a second.
    """

    def __init__(self) -> None:
        self.connections: set[Any] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.default_headers: list[tuple[bytes, bytes]] = []
