"""The straight path of the outbox: from a message to the transport; `_native/outbox.c` is the same in C.

`emmett.websockets.outbox.Outbox` adds what happens when the peer does not keep up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ..messages import Data, MessageBatch
from .encoding import encode_message

if TYPE_CHECKING:
    import asyncio

    from ...errors import WebsocketClosed


class BaseOutbox:
    """Frames on their way to the peer.

    Arguments:
        loop: the event loop of the connection.
        transport: the transport of the connection.
        high_water: bytes, collected or not yet taken by the peer, above which writers wait.

    A subclass provides `error` and `_write_in_turn`.
    """

    __slots__ = (
        "_collected",
        "_collected_size",
        "_encode",
        "_flush_planned",
        "_high_water",
        "_line",
        "_loop",
        "_transport",
        "closed",
        "stalled_since",
        "written",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, high_water: int) -> None:
        self._loop = loop
        self._transport = transport
        self._high_water = high_water
        # Encodes a message as a frame. Compressed frames depend on earlier ones, so encoding happens only at the moment
        # of writing: a message that is never written must never be compressed.
        self._encode: Callable[[Data], bytes] = encode_message
        # Frames that wait for the next one, so that they leave in one write; None before the first such frame.
        self._collected: list[bytes] | None = None
        self._collected_size = 0
        self._flush_planned = False
        # Writers that wait for the peer to read. The first stays in the queue until it has written, so that no other
        # writer overtakes it between its call and its turn.
        self._line: deque[asyncio.Future[None]] | None = None
        # When the transport exceeded its high-water mark, in the loop's seconds; None while the peer keeps up.
        self.stalled_since: float | None = None
        # Why `write` accepts no more messages; None while it does.
        self.closed: WebsocketClosed | None = None
        # Messages written, without the collected ones; for the access log.
        self.written = 0

    def write(self, message: Data, more: bool) -> Awaitable[None] | None:
        """Write a message; see `Connection.write`."""
        if self.closed is not None:
            raise self.error()
        if self.stalled_since is not None or self._line:
            return self._write_when_ready(message)
        # Called through a local name: an attribute would take CPython's slow path for each message.
        encode = self._encode
        frame = encode(message)
        collected = self._collected
        if collected:
            collected.append(frame)
            self._collected_size = size = self._collected_size + len(frame)
            if not more or size > self._high_water:
                self.flush()
        elif more and len(frame) <= self._high_water:
            self._collect_first(frame)
        else:
            self.written += 1
            self._transport.write(frame)
        return None

    def write_batch(self, batch: MessageBatch) -> bool:
        """Write all messages of a batch at once, or none if writers wait for the peer.

        Returns:
            Whether they were written.

        Raises:
            WebsocketClosed: as `write`.
        """
        if self.closed is not None:
            raise self.error()
        if self.stalled_since is not None or self._line:
            return False
        frames = batch.frames(self._encode)
        self.written += len(batch.messages)
        if self._collected:
            self.flush()
        self._transport.write(frames)
        return True

    def flush(self) -> None:
        """Write the collected frames to the transport."""
        collected = self._collected
        if collected:
            data = b"".join(collected)
            self.written += len(collected)
            collected.clear()
            self._collected_size = 0
            self._transport.write(data)

    def _collect_first(self, frame: bytes) -> None:
        if self._collected is None:
            self._collected = []
        self._collected.append(frame)
        self._collected_size = len(frame)
        if not self._flush_planned:
            # The handler may await something else before it writes the frame that flushes.
            self._flush_planned = True
            self._loop.call_soon(self._flush_as_planned)

    def _flush_as_planned(self) -> None:
        self._flush_planned = False
        self.flush()

    # Provided by the subclass.

    def error(self) -> WebsocketClosed:
        """Return a new exception that says why nothing can be written."""
        raise NotImplementedError

    def _write_when_ready(self, message: Data) -> Awaitable[None]:
        """Return a coroutine that writes the message in its turn, once the peer reads on."""
        raise NotImplementedError
