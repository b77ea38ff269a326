"""What a websocket and the process that it belongs to know of each other."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import Protocol

from ..websockets.websocket import Websocket
from .memory_budget import Holder, MemoryBudget


class ServedWebsocket(Holder, Protocol):
    """A websocket as its process sees it.

    Attributes:
        number: what the log calls it.
        websocket: the connection as the application sees it; None before it has begun and when all is over.
        target: path and query of the request as they came.
        status: the HTTP status that answered the handshake; None until then.
        began: when the handshake came, in the loop's seconds.
        route: the full name of the route; None when none matched.
    """

    number: int
    websocket: Websocket | None
    target: bytes
    status: int | None
    began: float
    route: str | None

    @property
    def messages(self) -> tuple[int, int]:
        """How many messages were received and sent."""

    @property
    def bytes(self) -> tuple[int, int] | None:
        """How many bytes were received and sent; None when nobody counts them."""


class WebsocketProcess(Protocol):
    """What the connections of a process have in common."""

    @property
    def context(self) -> Context:
        """The context variables that handlers get copies of: not the running ones, which may be those of a request."""

    @property
    def memory(self) -> MemoryBudget:
        """The bound for what all connections hold."""

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The tasks of all handlers."""

    def stop_after(self) -> float:
        """Return how many seconds the next connection waits with its drain when the server stops."""

    def opened(self, websocket: ServedWebsocket) -> None:
        """The application has accepted the connection."""

    def slow(self, websocket: ServedWebsocket, reason: str) -> None:
        """The connection is dropped since its peer does not read."""

    def ended(self, websocket: ServedWebsocket) -> None:
        """The connection is gone and its handler has ended. Called once."""
