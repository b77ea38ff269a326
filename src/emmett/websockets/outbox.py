"""The outgoing side: messages to frames, frames to the transport, and backpressure when the peer does not keep up.

Frames written while the handler still has messages to answer are collected and leave in one write (design.md, the hot
path). Their order never changes. Once the transport holds more than its high-water mark, writers wait in a queue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..engine import BaseOutbox
from ..engine.messages import Data
from ..errors import WebsocketClosed
from .calling import check_caller

if TYPE_CHECKING:
    from ..wire.deflater import Deflater

Content = TypeVar("Content", bound=str | bytes)


class OutboxOwner(Protocol):
    """The owner of an outbox."""

    def on_growth(self) -> None:
        """Note that a message waits in line."""


class Outbox(BaseOutbox):
    """Frames on their way to the peer.

    Arguments:
        loop: the event loop of the connection.
        transport: the transport of the connection.
        high_water: bytes, collected or not yet taken by the peer, above which writers wait.
    """

    __slots__ = ("_line_size", "_lost", "_pong", "_ready", "owner")

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, high_water: int) -> None:
        super().__init__(loop, transport, high_water)
        transport.set_write_buffer_limits(high=high_water)
        # What the writers wait with: characters of text, bytes of everything else.
        self._line_size = 0
        # The Pong for the latest Ping received while the peer did not read (RFC 6455, 5.5.3, allows skipping others).
        self._pong: bytes | None = None
        # Callbacks for when `write_batch` can write again.
        self._ready: list[tuple[Callable[[], None], Callable[[], int] | None]] | None = None
        # Learns of each message that waits in line.
        self.owner: OutboxOwner | None = None
        # The transport is gone: queued messages cannot be written.
        self._lost = False

    def compress(self, deflater: Deflater) -> None:
        """Compress messages from now on."""
        self._encode = deflater.encode

    def write_now(self, message: Data, limit: int) -> bool:
        """Write a message without waiting, unless the peer would then have more than `limit` bytes to take.

        Returns:
            Whether the message was written.

        Raises:
            WebsocketClosed, TypeError: as `write`.
            UsageError: the caller is in another thread.
        """
        check_caller(self._loop, "send_nowait")
        if self.closed is not None:
            raise self.error()
        # Over the limit the connection ends, so no later message depends on this compressed one.
        frame = self._encode(message)
        if self._transport.get_write_buffer_size() + self._collected_size + len(frame) > limit:
            return False
        self.written += 1
        self._write_now(frame)
        return True

    def when_ready(self, callback: Callable[[], None], waiting: Callable[[], int] | None = None) -> None:
        """See `Writer.when_ready`."""
        if self._ready is None:
            self._ready = []
        self._ready.append((callback, waiting))
        self._call_ready()

    def write_pong(self, frame: bytes) -> None:
        """Write a Pong frame now, or when the peer reads again. Only the latest waits, so Pings accumulate nothing."""
        if self.stalled_since is None:
            self._write_now(frame)
        else:
            self._pong = frame

    def write_ping(self, frame: bytes) -> None:
        """Write a Ping frame after the collected frames, ahead of queued messages."""
        self._write_now(frame)

    def write_last(self, frame: bytes, closed: WebsocketClosed) -> Awaitable[None] | None:
        """Write a Close frame after all queued messages; `write` raises `closed` from now on."""
        self.closed = closed
        self._call_ready()
        if self.stalled_since is not None or self._line:
            return self._write_in_turn(frame, _as_it_is, messages=0)
        self._write_now(frame)
        return None

    def write_reply(self, frame: bytes, closed: WebsocketClosed) -> None:
        """Write a Close frame now, ahead of queued messages, because the peer takes no more of them."""
        self.lose(closed)
        self._write_now(frame)

    def stall(self) -> None:
        """Make writers wait from now on, because the transport is full."""
        if self.stalled_since is None:
            self.stalled_since = self._loop.time()

    def resume(self) -> None:
        """Let the first queued writer write, because the transport has room again."""
        self.stalled_since = None
        if self._pong is not None:
            pong, self._pong = self._pong, None
            self._write_now(pong)
        self._call_first()

    def lose(self, closed: WebsocketClosed) -> None:
        """Raise `closed` in all queued writers, because the peer takes no more messages."""
        self.closed = self.closed or closed
        self._lost = True
        for waiter in self._line or ():
            _wake(waiter)
        self._call_ready()

    def held(self) -> int:
        """Return the bytes that wait for the peer, beside those that the transport has."""
        size = self._collected_size + self._line_size
        if self._ready:
            size += sum(waiting() for _, waiting in self._ready if waiting is not None)
        return size

    def error(self) -> WebsocketClosed:
        """Return a new exception that says why nothing can be written."""
        assert self.closed is not None
        return WebsocketClosed(self.closed.code, self.closed.reason)

    def _write_now(self, frame: bytes) -> None:
        self.flush()
        self._transport.write(frame)

    def _write_when_ready(self, message: Data) -> Awaitable[None]:
        return self._write_in_turn(_snapshot(message), self._encode, messages=1)

    async def _write_in_turn(self, data: Content, encode: Callable[[Content], bytes], messages: int) -> None:
        """Write when the peer reads on and all writers before this one have written. A cancelled wait writes nothing.

        Arguments:
            data: what to write.
            encode: makes a frame of it.
            messages: the number of messages that it counts as.
        """
        if self._lost:
            # The peer left between the call and the first step of the waiting task.
            raise self.error()
        waiter = self._enter_line(len(data))
        try:
            await waiter
            if self._lost:
                raise self.error()
            frame = encode(data)
            self.written += messages
            self._write_now(frame)
        finally:
            assert self._line is not None
            self._line.remove(waiter)
            self._line_size -= len(data)
            self._call_first()

    def _enter_line(self, size: int) -> asyncio.Future[None]:
        """Return a future that is done when it is the turn of a writer of so many bytes or characters."""
        line = self._line = self._line if self._line is not None else deque()
        waiter: asyncio.Future[None] = self._loop.create_future()
        line.append(waiter)
        self._line_size += size
        if self.owner is not None:
            self.owner.on_growth()
        self._call_first()
        return waiter

    def _call_first(self) -> None:
        if self._line and self.stalled_since is None:
            _wake(self._line[0])
        self._call_ready()

    def _call_ready(self) -> None:
        if self._ready and (self.closed is not None or not (self._line or self.stalled_since is not None)):
            # In a later turn of the loop: the callbacks write, and may register again.
            for callback, _ in self._ready:
                self._loop.call_soon(callback)
            self._ready = None


def _snapshot(message: Data) -> str | bytes:
    """Return a message as it is now: the application may change its buffer while the message waits."""
    if isinstance(message, str):
        # A message that cannot be encoded raises here, in the call at fault.
        message.encode()
        return message
    if isinstance(message, (bytes, bytearray, memoryview)):
        return bytes(message)
    raise TypeError(f"a message is str or bytes-like, not {type(message).__name__}; send_json() sends data as JSON")


def _as_it_is(frame: bytes) -> bytes:
    return frame


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
