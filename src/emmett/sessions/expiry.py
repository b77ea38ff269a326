"""Websockets whose sessions have expired: found with one timer, however many there are."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

from .ports import StoreUnavailable

logger = logging.getLogger("emmett.session")

# Seconds until a session is checked again for which the store did not answer.
RETRY = 10.0
# The least seconds between two checks: the clocks of the system and of the loop may differ slightly.
PAUSE = 0.05


class ExpiryWatch:
    """Watches the sessions of open websockets, and ends those that have expired.

    Sessions are grouped by the second in which they expire, and the timer waits for the first group.

    Arguments:
        clock: returns the seconds since the epoch.
        check: returns the current end of a session, in seconds since the epoch; None if it has ended. It may raise
            `StoreUnavailable`.
        close: closes the websockets of a session.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        check: Callable[[str], Awaitable[float | None]],
        close: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._check = check
        self._close = close
        self._expires: dict[str, float] = {}
        self._due: dict[int, set[str]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = math.inf
        self._looking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._expires)

    def watch(self, id: str, expires: float) -> None:
        """Watch a session. If it is already watched, the later time counts."""
        known = self._expires.get(id)
        if known is None or expires > known:
            self._set(id, expires)

    def extend(self, id: str, expires: float) -> None:
        """Extend the life of a session, if it is watched."""
        if id in self._expires:
            self.watch(id, expires)

    def move(self, old: str, new: str, expires: float) -> None:
        """Watch a session under its new id, if it is watched."""
        if old in self._expires:
            self.forget(old)
            self.watch(new, expires)

    def forget(self, id: str) -> None:
        """Stop watching a session."""
        expires = self._expires.pop(id, None)
        if expires is None:
            return
        second = math.ceil(expires)
        ids = self._due[second]
        ids.discard(id)
        if not ids:
            del self._due[second]
        if not self._expires:
            self._cancel()

    async def look(self) -> None:
        """End the websockets of all expired sessions."""
        now = self._clock()
        for second in sorted(second for second in self._due if second <= now):
            for id in list(self._due.get(second, ())):
                await self._look_at(id)

    async def _look_at(self, id: str) -> None:
        try:
            expires = await self._check(id)
        except StoreUnavailable:
            expires = self._clock() + RETRY
        if id not in self._expires or self._expires[id] > self._clock():
            # It ended, or was extended, while the store was being asked.
            return
        self.forget(id)
        if expires is None:
            self._close(id)
        else:
            self._set(id, max(expires, self._clock() + PAUSE))

    def _set(self, id: str, expires: float) -> None:
        self.forget(id)
        self._expires[id] = expires
        second = math.ceil(expires)
        self._due.setdefault(second, set()).add(id)
        if second < self._wakes_at and self._looking is None:
            self._plan(second)

    def _plan(self, second: float) -> None:
        self._cancel()
        self._wakes_at = second
        delay = max(PAUSE, second - self._clock())
        self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._wakes_at = None, math.inf

    def _wake(self) -> None:
        self._cancel()
        self._looking = asyncio.get_running_loop().create_task(self.look())
        self._looking.add_done_callback(self._looked)

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the check for expired sessions failed", exc_info=error)
        if self._due and not task.cancelled():
            self._plan(min(self._due))
