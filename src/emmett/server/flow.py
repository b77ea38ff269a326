"""`Flow`: stops the reading and the writing of one connection."""

from __future__ import annotations

import asyncio
from contextvars import Context


class Flow:
    """Whether a connection is read, and whether its peer takes what is written.

    Arguments:
        transport: that of the connection.
        context: the context variables of the process.

    Attributes:
        held: reading is not resumed, whoever asks for it.
        read_paused: the connection is not read.
        write_paused: the peer has not taken what was written, and `drain` waits for that.
    """

    __slots__ = ("_context", "_drained", "_transport", "held", "read_paused", "write_paused")

    def __init__(self, transport: asyncio.Transport, context: Context) -> None:
        self._transport = transport
        self._context = context
        self.held = False
        self.read_paused = False
        self.write_paused = False
        # Made when the peer is first waited for; set while it takes what is written.
        self._drained: asyncio.Event | None = None

    def pause_reading(self) -> None:
        """Stop reading. Later calls do nothing."""
        if not self.read_paused:
            self.read_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on, unless reading is held."""
        if self.read_paused and not self.held:
            self.read_paused = False
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
