"""The bounded queue of received messages, between the socket and `receive()`; `_native/inbox.c` is the same in C.

The inbox does not know the transport. Its owner sets `held_back` when more messages are available than it has room for;
the inbox calls `refill` when it has room again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import UsageError

if TYPE_CHECKING:
    import asyncio


class Inbox:
    """Received messages that wait for the handler.

    Arguments:
        loop: the event loop of the connection.
        refill: called when the last message is taken while `held_back` is set, to fetch the messages held elsewhere.
    """

    __slots__ = ("_loop", "_waiter", "held_back", "messages", "on_unclaimed", "refill")

    def __init__(self, loop: asyncio.AbstractEventLoop, refill: Callable[[], None]) -> None:
        # A list, although messages are taken from its front: it is short, and an empty deque would add 700 bytes to
        # each connection.
        self.messages: list[str | bytes] = []
        # Whether more data has arrived than `messages` had room for.
        self.held_back = False
        self.refill = refill
        # Called by `wake_for_read` when no task waits for the data; the owner may set it.
        self.on_unclaimed: Callable[[], None] | None = None
        self._loop = loop
        # The future that a `receive()` without a message waits for.
        self._waiter: asyncio.Future[None] | None = None

    @property
    def awaited(self) -> bool:
        """Whether a `receive()` is waiting for a message."""
        return self._waiter is not None and not self._waiter.done()

    def arrival(self) -> asyncio.Future[None]:
        """Return a future that is done when messages have arrived, or when no more will arrive.

        Raises:
            UsageError: another task is already waiting.
        """
        if self._waiter is not None and not self._waiter.done():
            raise UsageError("receive() is already waiting in another task; only one task at a time may receive")
        self._waiter = self._loop.create_future()
        return self._waiter

    def wake(self) -> None:
        """Wake the waiting `receive()`. Called once for all the messages of a read."""
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def wake_for_read(self) -> None:
        """Wake as `wake` does, or call `on_unclaimed`. The lines are repeated: a call would cost each read."""
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
        elif self.on_unclaimed is not None:
            self.on_unclaimed()
