"""One timer for the deadlines of all connections of a process: an idle connection costs no timer and no task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Protocol

logger = logging.getLogger("emmett.server")

LONGEST_PERIOD = 1.0
SHORTEST_PERIOD = 0.01


class Swept(Protocol):
    """An object with deadlines."""

    def sweep(self, now: float) -> None:
        """Act on the deadlines that have passed.

        Arguments:
            now: the loop's time in seconds.
        """


class Sweep:
    """Checks every connection about once a second, and more often if one has a shorter deadline.

    Arguments:
        loop: the event loop of the process.
        members: the connections of the process, which it adds to it and removes.
        after: called with the loop's time when all connections were looked at.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, members: Collection[Swept], after: Callable[[float], None] | None = None
    ) -> None:
        self._loop = loop
        self._members = members
        self._after = after
        self._period = LONGEST_PERIOD
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, shortest: float) -> None:
        """Check a connection that was added to the members.

        Arguments:
            shortest: its shortest deadline in seconds, which is detected at most a quarter late.
        """
        if self._timer is not None and shortest / 4 >= self._period:
            return
        period = max(SHORTEST_PERIOD, min(LONGEST_PERIOD, shortest / 4))
        if self._timer is None or period < self._period:
            self._period = min(period, self._period)
            self._plan()

    def look(self, now: float) -> None:
        """Check every connection.

        Arguments:
            now: the loop's time in seconds. Tests pass a later time to let deadlines pass without waiting.
        """
        for member in tuple(self._members):
            try:
                member.sweep(now)
            except Exception:
                # All deadlines of the process depend on this loop, so one fault must not stop it.
                logger.exception("the deadlines of a connection could not be checked")
        if self._after is not None:
            self._after(now)

    def _plan(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._period, self._run)

    def _run(self) -> None:
        self._timer = None
        self.look(self._loop.time())
        if self._members:
            self._plan()
        else:
            self._period = LONGEST_PERIOD
