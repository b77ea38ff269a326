"""Streams: the items of a call, each sent when it is produced, as `$/progress` (LSP 3.17, "Progress Support")."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from .jsonrpc import PROGRESS, Notification, Progress

# Identifies a stream for the peer.
Token = str | int | float | None

Send = Callable[[Any], Awaitable[None]]


class ItemSink:
    """Sends the items of one call.

    Arguments:
        send: sends a message to the peer, waiting while the peer does not keep up.
        token: identifies the stream for the caller.
    """

    __slots__ = ("_send", "_token")

    def __init__(self, send: Send, token: Token) -> None:
        self._send = send
        self._token = token

    async def put(self, item: Any) -> None:
        """Send an item."""
        await self._send(Notification(PROGRESS, Progress(self._token, item)))


# The stream of the running call. Each call has its own context.
current_sink: ContextVar[ItemSink] = ContextVar("emmett.calls.sink")

# Sends a message to the caller of the running call if that has no websocket of these calls; otherwise None.
current_sender: ContextVar[Send | None] = ContextVar("emmett.calls.sender", default=None)


def send_items(function: Callable[..., Any]) -> Callable[..., Awaitable[None]]:
    """Return an async function that runs an async generator and sends what it yields."""

    async def call(**arguments: Any) -> None:
        sink = current_sink.get()
        items: AsyncIterator[Any] | Awaitable[AsyncIterator[Any]] = function(**arguments)
        if inspect.isawaitable(items):
            items = await items
        try:
            async for item in items:
                await sink.put(item)
        finally:
            # Otherwise the generator would keep its resources until it is garbage-collected.
            if inspect.isasyncgen(items):
                await items.aclose()

    return call
