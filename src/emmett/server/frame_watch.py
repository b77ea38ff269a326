"""How long a peer takes for one frame."""

from __future__ import annotations

from ..wire.frames import FrameReader


class FrameWatch:
    """Notices a frame that has begun and does not end.

    Arguments:
        timeout: seconds that a frame may take.
    """

    __slots__ = ("_mark", "_since", "_timeout")

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        # How far the stream was parsed when it was last seen inside a frame, and since when it stands there.
        self._mark = -1
        self._since = 0.0

    def is_overdue(self, reader: FrameReader, now: float) -> bool:
        """Whether the frame that is being read takes too long.

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
