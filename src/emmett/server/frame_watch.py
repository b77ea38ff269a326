"""The deadline for a single frame."""

from __future__ import annotations

from ..wire.frames import FrameReader


class FrameWatch:
    """Detects a frame that remains incomplete.

    Arguments:
        timeout: seconds that a frame may take.
    """

    __slots__ = ("_mark", "_since", "_timeout")

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        # The position in the stream at the last check inside a frame, and the time since when it has not changed.
        self._mark = -1
        self._since = 0.0

    def is_overdue(self, reader: FrameReader, now: float) -> bool:
        """Return whether the current frame takes too long.

        Arguments:
            reader: the reader of the connection.
            now: the loop's time in seconds.
        """
        if not reader.in_frame:
            self._mark = -1
        elif self._mark != reader.parsed:
            self._mark = reader.parsed
            self._since = now
        return self._mark >= 0 and now - self._since >= self._timeout
