"""`WriteWatch`: detects a peer that does not take the written data."""

from __future__ import annotations

from ..http.body import SLOWEST_RATE


class WriteWatch:
    """Requires a peer with pending data to take `SLOWEST_RATE` bytes a second, measured over a whole timeout.

    A deadline for a whole large response would let a peer that takes nothing hold it for hours, and a deadline that
    each byte extends would let a peer take it byte by byte. Do not add bytes to the buffer during the watch.
    """

    __slots__ = ("_left", "_since")

    def __init__(self) -> None:
        # The bytes left at the peer's last progress, and its time; None while nothing is pending.
        self._left = 0
        self._since: float | None = None

    def start(self, unsent: int, now: float) -> None:
        """Start the peer's timeout now."""
        self._left, self._since = unsent, now

    def is_stuck(self, unsent: int, now: float, timeout: float) -> bool:
        """Return whether the peer has made no progress for too long.

        Arguments:
            unsent: bytes that the peer has not taken.
            now: the loop's time in seconds.
            timeout: seconds in which the peer must take as much as the slowest permitted peer, or all of it.
        """
        if self._since is None or self._left - unsent >= min(self._left, timeout * SLOWEST_RATE):
            self.start(unsent, now)
            return False
        return now - self._since >= timeout

    def stop(self) -> None:
        """Stop the watch, because nothing is pending; a later write gets the whole timeout."""
        self._since = None
