"""`FlowControl`: stops the reading and the writing of one connection."""

from __future__ import annotations

import asyncio
from contextvars import Context

# Why a connection is not read: too much of a body is unread; requests wait for their turn; it had its turn.
BODY, QUEUE, TURN = 1, 2, 4
ALL = BODY | QUEUE | TURN


class FlowControl:
    """Whether a connection is read, and whether its peer takes what is written.

    Arguments:
        transport: that of the connection.
        context: the context variables of the process.

    Attributes:
        pauses: the reasons for which the connection is not read: `BODY`, `QUEUE`, `TURN`, or several of them.
        write_paused: the peer has not taken what was written, and `drain` waits for that.
    """

    __slots__ = ("_context", "_drained", "_transport", "pauses", "write_paused")

    def __init__(self, transport: asyncio.Transport, context: Context) -> None:
        self._transport = transport
        self._context = context
        self.pauses = 0
        self.write_paused = False
        # Made when the peer is first waited for; set while it takes what is written.
        self._drained: asyncio.Event | None = None

    def pause_reading(self, reason: int) -> None:
        """Stop reading for a reason. Later calls for the same reason do nothing."""
        if not self.pauses:
            self._transport.pause_reading()
        self.pauses |= reason

    def resume_reading(self, reason: int) -> None:
        """Take back a reason; reading goes on when it was the last one."""
        if self.pauses & reason:
            self.pauses &= ~reason
            if not self.pauses and not self._transport.is_closing():
                # Not in the context of a request, in which some event loops would go on calling the connection.
                self._context.copy().run(self._transport.resume_reading)

    def pause_writing(self) -> None:
        """The transport holds more than it likes to."""
        self.write_paused = True
        if self._drained is not None:
            self._drained.clear()

    def resume_writing(self) -> None:
        """The transport has room again, or nothing more will be written."""
        self.write_paused = False
        if self._drained is not None:
            self._drained.set()

    async def drain(self) -> None:
        """Wait until the peer has taken most of what was written."""
        if self._drained is None:
            self._drained = asyncio.Event()
        while self.write_paused:
            self._drained.clear()
            await self._drained.wait()
