"""Writers that wait for the peer to read on, each for its turn.

It is a module of its own because mypyc, which compiles the outbox, makes coroutines that lose a cancellation on CPython
3.12 and later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

Data = TypeVar("Data", bound=str | bytes)


class WriterLine(Protocol):
    """The writers of one connection."""

    def enter_line(self, size: int) -> asyncio.Future[None]:
        """Return a future that is done when it is the turn of this writer.

        Arguments:
            size: the length of what the writer waits with.

        Raises:
            WebsocketClosed: the peer takes no more messages.
        """

    def write_in_line(self, data: Data, encode: Callable[[Data], bytes], messages: int) -> None:
        """Write what `encode` makes of the data; it counts as so many messages.

        Raises:
            WebsocketClosed: the peer takes no more messages.
        """

    def leave_line(self, waiter: asyncio.Future[None], size: int) -> None:
        """Let the next writer have its turn."""


async def write_in_turn(line: WriterLine, data: Data, encode: Callable[[Data], bytes], messages: int) -> None:
    """Write when the peer reads on and all writers before this one have written; a cancelled wait writes nothing."""
    size = len(data)
    waiter = line.enter_line(size)
    try:
        await waiter
        line.write_in_line(data, encode, messages)
    finally:
        line.leave_line(waiter, size)
