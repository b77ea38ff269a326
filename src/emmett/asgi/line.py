"""A lock that is granted in the order of the calls, also to callers that cannot wait for it yet."""

from __future__ import annotations

import asyncio
from collections import deque


class Line:
    """Gives the holders of its tickets their turns one at a time. `asyncio.Lock` orders callers only once they wait.

    Arguments:
        loop: the event loop.
    """

    __slots__ = ("_loop", "_tickets")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tickets: deque[Ticket] = deque()

    @property
    def is_empty(self) -> bool:
        """Whether nobody has a ticket."""
        return not self._tickets

    def join(self) -> Ticket:
        """Return a ticket after all the others. Enter it with `async with`, or leave it."""
        ticket = Ticket(self, self._loop.create_future())
        self._tickets.append(ticket)
        self._call_first()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give up a ticket, before, during or after its turn."""
        if ticket in self._tickets:
            self._tickets.remove(ticket)
            self._call_first()

    def _call_first(self) -> None:
        if self._tickets and not self._tickets[0].turn.done():
            self._tickets[0].turn.set_result(None)


class Ticket:
    """A turn in a line: `async with` waits for it, and leaves at the end."""

    __slots__ = ("_line", "turn")

    def __init__(self, line: Line, turn: asyncio.Future[None]) -> None:
        self._line = line
        self.turn = turn

    async def __aenter__(self) -> None:
        try:
            await self.turn
        except asyncio.CancelledError:
            self.leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Pass the turn to the next ticket. Later calls do nothing."""
        self._line.leave(self)
