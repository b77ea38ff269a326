"""Lanes: calls that run one after another, in order of arrival."""

from __future__ import annotations

from collections import deque

from .running import RunningCall


class Lane:
    """Lets one call run at a time, and queues the others."""

    __slots__ = ("_is_busy", "_waiting")

    def __init__(self) -> None:
        self._is_busy = False
        self._waiting: deque[RunningCall] = deque()

    def enter(self, call: RunningCall) -> bool:
        """Return whether a call may run now; otherwise a later `leave` returns it."""
        if self._is_busy:
            self._waiting.append(call)
            return False
        self._is_busy = True
        return True

    def leave(self) -> RunningCall | None:
        """Return the next call, since the running one has ended; None if no call is waiting."""
        if self._waiting:
            return self._waiting.popleft()
        self._is_busy = False
        return None
