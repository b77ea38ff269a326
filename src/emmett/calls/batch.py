"""The replies of a batch: an array in one frame, sent when all of them are there (section 6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from .jsonrpc import Reply


class CallBatch:
    """Collects replies.

    Arguments:
        count: how many will come.
        send: sends them all.
    """

    __slots__ = ("_count", "_replies", "_send")

    def __init__(self, count: int, send: Callable[[list[Reply]], Awaitable[None]]) -> None:
        self._count = count
        self._send = send
        self._replies: list[Reply] = []

    async def add(self, reply: Reply) -> None:
        """Add a reply; the last one sends them. Their order is that of their arrival, which section 6 allows."""
        self._replies.append(reply)
        if len(self._replies) == self._count:
            await self._send(self._replies)
