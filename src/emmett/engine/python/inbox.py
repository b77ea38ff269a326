"""The bounded queue of received messages, between the socket and `receive()`; `_native/inbox.c` is the same in C.

The inbox does not know the transport. Its owner sets `held_back` when more messages are available than it has room for;
the inbox calls `refill` of its owner when it has room again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ...errors import UsageError

if TYPE_CHECKING:
    import asyncio


class InboxOwner(Protocol):
    """What fills an inbox."""

    def refill(self) -> None:
        """Fetch the messages held elsewhere: the last one was taken while `held_back` is set."""

    def on_unclaimed(self) -> None:
        """Note that `wake_for_read` was called while no task waits for the data."""


class Inbox:
    """Received messages that wait for the handler.

    Arguments:
        loop: the event loop of the connection.
        owner: what fills the inbox. An object, because two bound methods would take 140 bytes more for each connection.
    """

    __slots__ = ("_loop", "_waiter", "held_back", "messages", "owner")

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: InboxOwner) -> None:
        # A list, although messages are taken from its front: it is short, and an empty deque would add 700 bytes to
        # each connection.
        self.messages: list[str | bytes] = []
        # Whether more data has arrived than `messages` had room for.
        self.held_back = False
        self.owner = owner
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
        """Wake as `wake` does, or notify the owner. The lines are repeated: a call would cost each read."""
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
        else:
            self.owner.on_unclaimed()
