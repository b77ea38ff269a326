"""The replies of a batch: an array in one frame, sent once all of them are ready (section 6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from .jsonrpc import Reply


class CallBatch:
    """Collects the replies of a batch.

    Arguments:
        count: the number of replies to wait for.
        send: sends them all.
    """

    __slots__ = ("_count", "_replies", "_send")

    def __init__(self, count: int, send: Callable[[list[Reply]], Awaitable[None]]) -> None:
        self._count = count
        self._send = send
        self._replies: list[Reply] = []

    async def add(self, reply: Reply) -> None:
        """Add a reply, and send them all with the last one. They are sent in order of arrival (section 6 allows it)."""
        self._replies.append(reply)
        if len(self._replies) == self._count:
            await self._send(self._replies)
