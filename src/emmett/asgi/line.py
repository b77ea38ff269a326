"""A lock that is given in the order of the calls, also to those who cannot wait for it yet."""

from __future__ import annotations

import asyncio
from collections import deque


class Line:
    """Who stands in it has its turn, one at a time. `asyncio.Lock` begins to count at the first wait only.

    Arguments:
        loop: the event loop.
    """

    __slots__ = ("_loop", "_places")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._places: deque[Place] = deque()

    def join(self) -> Place:
        """Return a place behind all the others. It must be entered with `async with`, or left."""
        place = Place(self, self._loop.create_future())
        self._places.append(place)
        self._call_first()
        return place

    def leave(self, place: Place) -> None:
        """Give up a place, before, in or after its turn."""
        if place in self._places:
            self._places.remove(place)
            self._call_first()

    def _call_first(self) -> None:
        if self._places and not self._places[0].turn.done():
            self._places[0].turn.set_result(None)


class Place:
    """A place in a line: `async with` waits for its turn, and leaves at the end."""

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
        """Let the next one have its turn. Later calls do nothing."""
        self._line.leave(self)
