"""`Patience`: a deadline for each of many waits, one after the other, which share one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


class Patience:
    """Limits how long one task at a time waits.

    `asyncio.timeout` sets and cancels a timer for each wait, and Granian makes an application wait for each message
    that it sends. Here the timer of an earlier wait checks how long the current one has taken.

    Arguments:
        loop: the event loop.
        seconds: the limit.
    """

    __slots__ = ("_began", "_has_expired", "_is_stopped", "_loop", "_seconds", "_task", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        # The task that waits, since when, and whether it was cancelled for waiting too long.
        self._task: asyncio.Task[object] | None = None
        self._began = 0.0
        self._has_expired = False
        self._timer: asyncio.TimerHandle | None = None
        self._is_stopped = False

    async def wait(self, awaitable: Awaitable[object]) -> bool:
        """Wait for an awaitable, which is cancelled when the time is over.

        Returns:
            Whether it ended in time.

        Raises:
            Exception: what the awaitable raises.
        """
        task = asyncio.current_task()
        assert task is not None
        cancellations = task.cancelling()
        self._task, self._began = task, self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)
        try:
            await awaitable
        except asyncio.CancelledError:
            if self._uncancel(task) and task.cancelling() <= cancellations:
                return False
            raise
        finally:
            self._uncancel(task)
            self._task = None
            if self._is_stopped:
                self.stop()
        return True

    def stop(self) -> None:
        """Keep no timer, except for a wait that has begun."""
        self._is_stopped = True
        if self._task is None and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _uncancel(self, task: asyncio.Task[object]) -> bool:
        """Take back the cancellation by this object; return whether there was one."""
        if not self._has_expired:
            return False
        self._has_expired = False
        task.uncancel()
        return True

    def _look(self) -> None:
        self._timer = None
        if self._task is None:
            return
        due = self._began + self._seconds
        if self._loop.time() < due:
            self._timer = self._loop.call_at(due, self._look)
        else:
            self._has_expired = True
            self._task.cancel()
