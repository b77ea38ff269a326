"""`FlowControl`: pauses and resumes reading and writing on one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context

# Reasons to pause reading: too much of a body is unread; requests wait for their turn; the work of a turn is done; the
# process holds too much.
BODY, QUEUE, TURN, MEMORY = 1, 2, 4, 8
ALL = BODY | QUEUE | TURN | MEMORY


class FlowControl:
    """The flow control of a connection: pauses reading, and waits for the peer to take written data.

    Arguments:
        transport: the transport of the connection.
        context: the context of the process.
        step: bytes received and kept between two calls of `on_growth`.
        on_growth: called then; None if growth is not counted.

    Attributes:
        pauses: the reasons why reading is paused: `BODY`, `QUEUE`, `TURN`, or several of them.
        write_paused: whether the write buffer is full, so that `drain` waits.
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
        # Created by the first `drain` that waits; set while the write buffer has room.
        self._drained: asyncio.Event | None = None

    def grow(self, size: int) -> None:
        """Count bytes that were received and are kept."""
        self._grown += size
        if self._grown >= self._step and self._on_growth is not None:
            self._grown = 0
            self._on_growth()

    def release(self) -> None:
        """Drop the reference to `on_growth`."""
        self._on_growth = None

    def pause_reading(self, reason: int) -> None:
        """Pause reading for a reason. Later calls for the same reason do nothing."""
        if not self.pauses:
            self._transport.pause_reading()
        self.pauses |= reason

    def resume_reading(self, reason: int) -> None:
        """Remove a reason; reading resumes when it was the last one."""
        if self.pauses & reason:
            self.pauses &= ~reason
            if not self.pauses and not self._transport.is_closing():
                # Not in the context of a request, which some event loops would use for all later callbacks of the
                # connection.
                self._context.copy().run(self._transport.resume_reading)

    def pause_writing(self) -> None:
        """Make `drain` wait, because the transport exceeds its high-water mark."""
        self.write_paused = True
        if self._drained is not None:
            self._drained.clear()

    def resume_writing(self) -> None:
        """Release `drain`, because the transport has room again or nothing more will be written."""
        self.write_paused = False
        if self._drained is not None:
            self._drained.set()

    async def drain(self) -> None:
        """Wait until the peer has taken most of the write buffer."""
        if self._drained is None:
            self._drained = asyncio.Event()
        while self.write_paused:
            self._drained.clear()
            await self._drained.wait()
