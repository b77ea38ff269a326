"""Lanes: calls that run one after another, in the order in which they came."""

from __future__ import annotations

from collections import deque

from .running import RunningCall


class Lane:
    """Lets one call run at a time, and keeps the others until it is their turn."""

    __slots__ = ("_is_busy", "_waiting")

    def __init__(self) -> None:
        self._is_busy = False
        self._waiting: deque[RunningCall] = deque()

    def enter(self, call: RunningCall) -> bool:
        """Return whether a call may run now; otherwise `leave` hands it out when it is its turn."""
        if self._is_busy:
            self._waiting.append(call)
            return False
        self._is_busy = True
        return True

    def leave(self) -> RunningCall | None:
        """Return the next call now that the running one has ended; None where no call waits."""
        if self._waiting:
            return self._waiting.popleft()
        self._is_busy = False
        return None
