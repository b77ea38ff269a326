"""`FlowControl`: stops the reading and the writing of one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context

# Why a connection is not read: too much of a body is unread; requests wait for their turn; it had its turn; the process
# holds too much.
BODY, QUEUE, TURN, MEMORY = 1, 2, 4, 8
ALL = BODY | QUEUE | TURN | MEMORY


class FlowControl:
    """Whether a connection is read, and whether its peer takes what is written.

    Arguments:
        transport: that of the connection.
        context: the context variables of the process.
        step: bytes by which what the connection holds grows before `on_growth` is called.
        on_growth: called then; None while nobody counts.

    Attributes:
        pauses: the reasons for which the connection is not read: `BODY`, `QUEUE`, `TURN`, or several of them.
        write_paused: the peer has not taken what was written, and `drain` waits for that.
    """

    __slots__ = ("_context", "_drained", "_grown", "_on_growth", "_step", "_transport", "pauses", "write_paused")

    def __init__(
        self,
        transport: asyncio.Transport,
        context: Context,
        step: int = 0,
        on_growth: Callable[[], None] | None = None,
    ) -> None:
        self._step = step
        self._on_growth = on_growth
        self._grown = 0
        self._transport = transport
        self._context = context
        self.pauses = 0
        self.write_paused = False
        # Made when the peer is first waited for; set while it takes what is written.
        self._drained: asyncio.Event | None = None

    def grow(self, size: int) -> None:
        """Count so many bytes that have come and are kept."""
        self._grown += size
        if self._grown >= self._step and self._on_growth is not None:
            self._grown = 0
            self._on_growth()

    def release(self) -> None:
        """Let go of who counts."""
        self._on_growth = None

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
