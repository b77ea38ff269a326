"""`WriteWatch`: whether a peer takes what is written to it."""

from __future__ import annotations

from ..http.body import SLOWEST_RATE


class WriteWatch:
    """Requires progress of a peer that has bytes to take: `SLOWEST_RATE` bytes a second, counted over a whole timeout.

    A deadline for all of a large response would let a peer that takes nothing keep it for hours, and one that any byte
    moves on would let it be taken byte by byte. Nothing is to be added to the bytes while it watches.
    """

    __slots__ = ("_left", "_since")

    def __init__(self) -> None:
        # The bytes that were left when the peer had last made progress, and when that was; None while nothing waits.
        self._left = 0
        self._since: float | None = None

    def start(self, unsent: int, now: float) -> None:
        """Give the peer its whole time, from now on."""
        self._left, self._since = unsent, now

    def is_stuck(self, unsent: int, now: float, timeout: float) -> bool:
        """Return whether the peer has made no progress for too long.

        Arguments:
            unsent: bytes that it has not taken.
            now: the loop's time in seconds.
            timeout: seconds in which it must take as much as the slowest peer would, or all there is.
        """
        if self._since is None or self._left - unsent >= min(self._left, timeout * SLOWEST_RATE):
            self.start(unsent, now)
            return False
        return now - self._since >= timeout

    def stop(self) -> None:
        """Nothing waits any more; what is written later has its whole time."""
        self._since = None
