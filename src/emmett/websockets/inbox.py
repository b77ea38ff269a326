"""The bounded queue of received messages, between the socket and `receive()`.

The inbox does not know the transport. Whoever fills it sets `held_back` when there was more than it had room for, and
is told through `refill` when it has room again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..errors import UsageError


class Inbox:
    """Received messages that wait for the handler.

    Arguments:
        loop: the event loop of the connection.
        refill: called when the last message was taken while `held_back` was set: bring what waits elsewhere.
    """

    __slots__ = ("_loop", "_waiter", "held_back", "messages", "refill")

    def __init__(self, loop: asyncio.AbstractEventLoop, refill: Callable[[], None]) -> None:
        # A list, though messages are taken at its front: it is short, and an empty deque would add 700 bytes to each
        # connection.
        self.messages: list[str | bytes] = []
        # More has come than `messages` had room for.
        self.held_back = False
        self.refill = refill
        self._loop = loop
        # What a `receive()` without a message waits for.
        self._waiter: asyncio.Future[None] | None = None

    @property
    def awaited(self) -> bool:
        """Whether a `receive()` waits for a message."""
        return self._waiter is not None and not self._waiter.done()

    def arrival(self) -> asyncio.Future[None]:
        """Return a future that is done when messages have come, or when none will come any more.

        Raises:
            UsageError: another task already waits.
        """
        if self._waiter is not None and not self._waiter.done():
            raise UsageError("receive() is already waiting in another task; one task at a time may receive")
        self._waiter = self._loop.create_future()
        return self._waiter

    def wake(self) -> None:
        """Let the waiting `receive()` look again. Called once for all the messages that one read brought."""
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
