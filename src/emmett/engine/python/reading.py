"""What the transport calls with the data of each read; `_native/reading.c` is the same in C.

`emmett.server.websocket_reading.Reading` adds everything else, and explains the fields.
"""

from __future__ import annotations

from typing import Any

from ...errors import FrameError
from .inbox import Inbox


class BaseReading:
    """The incoming data of a connection.

    A subclass sets the fields, and provides the methods that these call.
    """

    __slots__ = (
        "_connection",
        "_early",
        "_ping",
        "_rest_expected",
        "_wanted",
        "heard",
        "inbox",
        "lost",
        "paused",
        "reader",
    )

    heard: bool
    inbox: Inbox
    lost: bool
    paused: bool
    reader: Any
    _connection: Any
    _early: tuple[bytes, ...] | None
    _ping: bytes | None
    _rest_expected: bool
    _wanted: bool

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

    def refill(self) -> None:
        """See `InboxOwner.refill`: the inbox is empty and bytes are held back."""
        if self.reader.spent:
            # A handler whose inbox never runs empty would never yield to the loop.
            self._plan_turn()
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Parse the held-back bytes."""
        try:
            held_back = self.reader.resume()
        except FrameError as error:
            self._fail(error)
            return
        if self._ping is not None:
            self._answer_ping()
        self.inbox.held_back = (held_back or self._rest_expected) and self._wanted
        if not held_back:
            if self.lost:
                self.reader.finish()
            if self.lost or self.paused:
                self._connection.on_caught_up()
        elif self.reader.spent:
            self._plan_turn()
        self.inbox.wake()

    # Provided by the subclass.

    def _plan_turn(self) -> None:
        """Go on in the next turn of the loop."""
        raise NotImplementedError

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
