"""What the transport calls with the data of each read; `_native/reading.c` is the same in C.

`emmett.server.websocket_reading.Reading` adds everything else, and explains the fields.
"""

from __future__ import annotations

from typing import Any

from ...errors import FrameError
from .inbox import Inbox


class BaseReading:
    """The incoming data of a connection.

    A subclass sets the fields, and provides the methods that `take` calls.
    """

    __slots__ = ("_early", "_ping", "heard", "inbox", "reader")

    heard: bool
    inbox: Inbox
    reader: Any
    _early: tuple[bytes, ...] | None
    _ping: bytes | None

    def take(self, data: bytes) -> None:
        """Process the data of one read."""
        self.heard = True
        if self._early is not None:
            self.keep_early(data)
            return
        try:
            held_back = self.reader.feed(data)
        except FrameError as error:
            self._fail(error)
            return
        if held_back:
            self._hold_back()
        if self._ping is not None:
            self._answer_ping()
        self.inbox.wake_for_read()

    # Provided by the subclass.

    def keep_early(self, data: bytes) -> None:
        """Keep the data of a read before the handshake is answered."""
        raise NotImplementedError

    def _hold_back(self) -> None:
        """Handle a read with more data than may be parsed now."""
        raise NotImplementedError

    def _answer_ping(self) -> None:
        """Answer the latest Ping of a read."""
        raise NotImplementedError

    def _fail(self, error: FrameError) -> None:
        """Handle a protocol error of the peer."""
        raise NotImplementedError
