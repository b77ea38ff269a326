"""The deadline of a websocket and the reaction when it passes, for every carrier."""

from __future__ import annotations

import logging
from enum import Enum
from typing import Protocol

from ..config import WebsocketSettings
from ..websockets.inbox import Inbox
from .deadline import Deadline


class Awaited(Enum):
    """What must happen before the deadline of a websocket."""

    ANSWER = "the handler answers the handshake"
    CLOSE = "the peer closes the connection"
    END = "the handler takes a message or ends, since the peer has left"


class Watched(Protocol):
    """A carrier of websockets, as its watch sees it."""

    inbox: Inbox

    def log(self, level: int, message: str, *values: object) -> None:
        """Log an event of the connection."""

    def give_up_handshake(self) -> None:
        """Refuse the handshake with 503 and cancel the handler."""

    def cancel_handler(self) -> None:
        """Cancel the handler if it is still running."""

    def drop(self, reason: str, seconds: float) -> None:
        """Log the reason, with `%g` for the seconds, and abort the connection."""


class WebsocketWatch:
    """Keeps the deadline of one websocket. The carrier calls `look` from a timer or a sweep.

    A handler that is busy when the peer leaves may go on for `disconnect_grace` seconds. The time starts again whenever
    the handler takes messages.

    Arguments:
        settings: the deadlines in seconds.
    """

    __slots__ = ("_settings", "_unread", "deadline")

    def __init__(self, settings: WebsocketSettings) -> None:
        self._settings = settings
        self.deadline: Deadline[Awaited] | None = None
        # The length of the inbox at the last check after the peer left.
        self._unread = -1

    def expect_answer(self, now: float) -> None:
        """Require that the handshake is answered within `accept_timeout`."""
        self.deadline = Deadline(Awaited.ANSWER, now + self._settings.accept_timeout)

    def expect_close(self, now: float) -> None:
        """Require that the peer closes within `close_timeout`."""
        self.deadline = Deadline(Awaited.CLOSE, now + self._settings.close_timeout)

    def expect_end(self, now: float) -> None:
        """Require that the handler ends within `disconnect_grace`: the peer has left. Only the first call counts."""
        if self.deadline is None or self.deadline.kind is not Awaited.END:
            self.deadline = Deadline(Awaited.END, now + self._settings.disconnect_grace)

    def expect_nothing(self) -> None:
        """Remove the deadline."""
        self.deadline = None

    def look(self, now: float, carrier: Watched) -> None:
        """Act if the deadline has passed.

        Arguments:
            now: the loop's time in seconds.
            carrier: the connection.
        """
        deadline = self.deadline
        if deadline is None or now < deadline.at:
            return
        if deadline.kind is Awaited.END:
            self._end_handler(now, carrier)
            return
        self.deadline = None
        if deadline.kind is Awaited.ANSWER:
            seconds = self._settings.accept_timeout
            carrier.log(logging.WARNING, "the handshake was not answered within %g s: refused", seconds)
            carrier.give_up_handshake()
        else:
            carrier.drop("the peer did not close within %g s", self._settings.close_timeout)

    def _end_handler(self, now: float, carrier: Watched) -> None:
        unread = len(carrier.inbox.messages)
        if unread == self._unread or not unread:
            carrier.log(logging.WARNING, "the handler did not end after the peer had left: cancelled")
            carrier.cancel_handler()
        self._unread = unread
        self.deadline = Deadline(Awaited.END, now + self._settings.disconnect_grace)
