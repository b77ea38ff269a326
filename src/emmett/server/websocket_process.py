"""The ports between a websocket and the process that it belongs to."""

from __future__ import annotations

from contextvars import Context
from typing import Protocol

from ..observers import Observers
from ..websockets.inbox import Inbox
from ..websockets.websocket import Websocket
from .memory_budget import Holder, MemoryBudget


class ServedWebsocket(Holder, Protocol):
    """A websocket as its process sees it.

    Attributes:
        number: its number in the log.
        websocket: the connection as the application sees it; None before it begins and after its end.
        target: undecoded path and query of the request.
        status: the HTTP status that answered the handshake; None until then.
        began: when the handshake arrived, in the loop's seconds.
        route: the full name of the route; None if none matched.
        inbox: the messages that wait for the handler.
    """

    inbox: Inbox
    number: int
    websocket: Websocket | None
    target: bytes
    status: int | None
    began: float
    route: str | None

    @property
    def messages(self) -> tuple[int, int]:
        """Return the number of messages received and sent."""

    @property
    def bytes(self) -> tuple[int, int] | None:
        """Return the number of bytes received and sent; None if they are not counted."""


class WebsocketProcess(Protocol):
    """The process as its connections see it."""

    @property
    def context(self) -> Context:
        """The context that handlers get copies of; not the current context, which may be that of a request."""

    @property
    def memory(self) -> MemoryBudget:
        """The bound for what all connections hold."""

    @property
    def observers(self) -> Observers:
        """The observers of the application, and the access logs."""

    def stop_after(self) -> float:
        """Return the seconds after which the next connection drains when the server stops."""

    def opened(self, websocket: ServedWebsocket) -> None:
        """Note that the application has accepted the connection."""

    def slow(self, websocket: ServedWebsocket, reason: str, cause: str) -> None:
        """Note that the connection is dropped because its peer does not read."""

    def stalled(self, websocket: ServedWebsocket) -> None:
        """Note that `send()` waits, because the peer does not read."""

    def ended(self, websocket: ServedWebsocket) -> None:
        """Note that the connection and its handler have ended. Called once."""
