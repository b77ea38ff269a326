"""A lock that is granted in the order of the calls, also to callers that cannot wait for it yet."""

from __future__ import annotations

import asyncio
from collections import deque


class Line:
    """Gives the holders of its tickets their turns one at a time. `asyncio.Lock` orders callers only once they wait.

    Arguments:
        loop: the event loop.
    """

    __slots__ = ("_is_stuck", "_moved", "_tickets", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._tickets: deque[Ticket] = deque()
        # The future that `wait_moved` waits for, and whether it has waited in vain since a ticket was given up.
        self._moved: asyncio.Future[None] | None = None
        self._is_stuck = False

    @property
    def is_empty(self) -> bool:
        """Whether nobody has a ticket."""
        return not self._tickets

    def join(self) -> Ticket:
        """Return a ticket after all the others. Enter it with `async with`, or leave it."""
        ticket = Ticket(self)
        self._tickets.append(ticket)
        return ticket

    def is_first(self, ticket: Ticket) -> bool:
        """Return whether it is a ticket's turn."""
        return bool(self._tickets) and self._tickets[0] is ticket

    def leave(self, ticket: Ticket) -> None:
        """Give up a ticket, before, during or after its turn."""
        self._is_stuck = False
        self._stop_waiting()
        if self.is_first(ticket):
            self._tickets.popleft()
            if self._tickets:
                self._tickets[0].call()
        elif ticket in self._tickets:
            self._tickets.remove(ticket)

    async def wait_moved(self, seconds: float) -> None:
        """Wait until a ticket is given up. Return at once if there is none, or if an earlier call has waited in vain.

        Arguments:
            seconds: how long to wait at most. Only one task at a time may wait.
        """
        if not self._tickets or self._is_stuck:
            return
        self._moved = self.loop.create_future()
        timer = self.loop.call_later(seconds, self._note_stuck)
        try:
            await self._moved
        finally:
            timer.cancel()
            self._moved = None

    def _note_stuck(self) -> None:
        self._is_stuck = True
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._moved is not None and not self._moved.done():
            self._moved.set_result(None)


class Ticket:
    """A turn in a line: `async with` waits for it, and leaves at the end."""

    __slots__ = ("_called", "_line")

    def __init__(self, line: Line) -> None:
        self._line = line
        # Created only to wait for the turn, which most tickets have at once.
        self._called: asyncio.Future[None] | None = None

    @property
    def has_turn(self) -> bool:
        """Whether it is the turn of this ticket."""
        return self._line.is_first(self)

    async def __aenter__(self) -> None:
        if self.has_turn:
            return
        self._called = self._line.loop.create_future()
        try:
            await self._called
        except asyncio.CancelledError:
            self.leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def call(self) -> None:
        """Wake the task that waits for the turn, if there is one."""
        if self._called is not None and not self._called.done():
            self._called.set_result(None)

    def leave(self) -> None:
        """Pass the turn to the next ticket. Later calls do nothing."""
        self._line.leave(self)
