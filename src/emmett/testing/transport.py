"""A connection in memory: the transport for a server's protocol, and the client's end.

The event loop delivers data that the client writes, as a socket would; it never arrives inside the call that wrote it.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from ..errors import UsageError
from .faults import Faults

HIGH_WATER = 64 * 1024


class MemoryTransport(asyncio.Transport):
    """The server's end of a connection in memory.

    Arguments:
        loop: the event loop.
        protocol: the protocol that serves the connection; the caller calls its `connection_made`.
        faults: the faults of the connection.
        extra: the values for `get_extra_info`; with an `sslcontext` there is no half-close, as with TLS.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, protocol: asyncio.Protocol, faults: Faults, extra: dict[str, Any]
    ) -> None:
        super().__init__(extra)
        self._loop = loop
        self._protocol: asyncio.Protocol | None = protocol
        self._faults = faults
        self._cut_incoming, self._cut_outgoing = faults.cutter(), faults.cutter()
        self._high, self._low = HIGH_WATER, HIGH_WATER // 4
        # From the client: undelivered data, how much may still arrive before the connection breaks, whether the client
        # has ended, and whether that was delivered.
        self._incoming = bytearray()
        self._until_break = faults.break_after
        self._incoming_ended = False
        self._eof_told = False
        self._reading = True
        self._delivery_planned = False
        # To the client: data that it can read, and data that waits for it to do so; and whether that is all.
        self._readable = bytearray()
        self._unsent = bytearray()
        self._outgoing_ended = False
        self._paused_protocol = False
        # Whether the server is closing; whether the client has closed; whether the connection has ended, and how.
        self._closing = False
        self._client_gone = False
        self._lost = False
        self._reset = False
        # Waiters at the client's end: for data to read, and for the server to have taken everything written.
        self._reader: asyncio.Future[None] | None = None
        self._drainers: list[asyncio.Future[None]] = []
        if self._until_break == 0:
            self._plan_delivery()

    # Called by the server's protocol.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"a transport takes bytes-like objects, not {type(data).__name__}")
        if self._outgoing_ended:
            raise RuntimeError("write() after write_eof(): the end was already sent to the client")
        if not data or self._closing:
            return
        if self._client_gone:
            # A write to a socket that the other side has closed is answered by a reset.
            self._lose(BrokenPipeError("the client has closed the connection"))
            return
        self._unsent += data
        self._flush()
        self._pause_when_full()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is None:
            high = HIGH_WATER if low is None else 4 * low
        low = high // 4 if low is None else low
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._high, self._low = high, low
        self._pause_when_full()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._plan_delivery()

    def is_reading(self) -> bool:
        return self._reading and not self._closing

    def can_write_eof(self) -> bool:
        return self.get_extra_info("sslcontext") is None

    def write_eof(self) -> None:
        if not self.can_write_eof():
            raise NotImplementedError("a TLS connection cannot be half closed")
        if not self._closing:
            self._outgoing_ended = True
            self._flush()

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._flush()
        self._wake_drainers()

    def abort(self) -> None:
        self._lose(None, reset=True)

    def is_closing(self) -> bool:
        return self._closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return a value of `extra`; `hung_up` is whether the client has closed the connection or its half.

        A server that has paused reading cannot see that otherwise; with a socket it asks the operating system.
        """
        return self._incoming_ended if name == "hung_up" else super().get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return cast(asyncio.BaseProtocol, self._protocol)

    # Called by the client's end.

    def take(self, data: bytes | bytearray | memoryview) -> None:
        """Accept data that the client writes; drop data after a break."""
        if self._lost or self._client_gone or self._incoming_ended:
            return
        room = None if self._until_break is None else self._until_break - len(self._incoming)
        self._incoming += data if room is None else data[: max(room, 0)]
        self._plan_delivery()

    def take_end(self) -> None:
        """Handle the end of the client's data."""
        self._incoming_ended = True
        self._plan_delivery()

    def leave(self) -> None:
        """Close on the client's side: it neither writes nor reads any more."""
        self._client_gone = self._incoming_ended = True
        self._readable.clear()
        self._wake_reader()
        if self._unsent or self._closing:
            self._lose(BrokenPipeError("the client has closed the connection") if self._unsent else None)
        else:
            self.take_end()

    def break_off(self, error: OSError | None) -> None:
        """Break the connection now: data under way in either direction is lost."""
        self._lose(error, reset=True)

    @property
    def unread(self) -> int:
        """The number of bytes that the client has written and the server has not taken."""
        return len(self._incoming)

    @property
    def readable(self) -> int:
        """The number of bytes that the client can read at once."""
        return len(self._readable)

    @property
    def is_over(self) -> bool:
        """Whether the connection has ended for the client: no more data will arrive."""
        return self._lost or (self._outgoing_ended and not self._unsent)

    async def wait_readable(self) -> None:
        """Wait until the client can read data, or no more will arrive.

        Raises:
            UsageError: another task is already waiting.
        """
        if self._reader is not None:
            raise UsageError("another task reads from this connection: only one can wait at a time")
        while not (self._readable or self.is_over or self._client_gone):
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None

    def give(self, size: int) -> bytes:
        """Return data for the client to read; `b""` at the end.

        Raises:
            ConnectionResetError: the connection was reset.
        """
        if self._reset:
            raise ConnectionResetError("the connection was reset")
        if not self._readable:
            return b""
        count = min(size, self._cut_outgoing(len(self._readable)))
        data = bytes(self._readable[:count])
        del self._readable[:count]
        # Later, because the server's protocol must not run inside the client's call.
        self._loop.call_soon(self._flush)
        return data

    async def taken(self) -> None:
        """Wait until the server has taken everything that the client has written, or the connection has ended."""
        while self._incoming and not self._closing and not self._lost:
            waiter = self._loop.create_future()
            self._drainers.append(waiter)
            await waiter

    # Internal.

    def _plan_delivery(self) -> None:
        if not self._delivery_planned and not self._lost:
            self._delivery_planned = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        """Pass one read, or the end, to the protocol. An error of the protocol ends the connection, as on a socket."""
        self._delivery_planned = False
        if self._closing:
            self._incoming.clear()
            return
        protocol = self._protocol
        if not self._reading or protocol is None:
            return
        try:
            if self._incoming:
                protocol.data_received(self._next_read())
            elif self._until_break == 0:
                self._lose(self._faults.error, reset=True)
            elif self._incoming_ended and not self._eof_told:
                self._eof_told = True
                # A TLS connection is never half open, whatever the protocol returns.
                if not (protocol.eof_received() and self.can_write_eof()):
                    self.close()
        except Exception as error:
            message = "the protocol failed on data from its client"
            context = {"message": message, "exception": error, "transport": self, "protocol": protocol}
            self._loop.call_exception_handler(context)
            self._lose(error)

    def _next_read(self) -> bytes:
        count = self._cut_incoming(len(self._incoming))
        data = bytes(self._incoming[:count])
        del self._incoming[:count]
        if self._until_break is not None:
            self._until_break -= count
        self._plan_delivery()
        if not self._incoming:
            self._wake_drainers()
        return data

    def _pause_when_full(self) -> None:
        if len(self._unsent) > self._high and not self._paused_protocol and self._protocol is not None:
            self._paused_protocol = True
            self._protocol.pause_writing()

    def _flush(self) -> None:
        """Move data into the client's window; resume the protocol, and close, once everything has left."""
        if self._lost:
            return
        window = self._faults.window
        room = len(self._unsent) if window is None else max(window - len(self._readable), 0)
        if room and self._unsent:
            self._readable += self._unsent[:room]
            del self._unsent[:room]
        if self._paused_protocol and len(self._unsent) <= self._low and self._protocol is not None:
            self._paused_protocol = False
            self._protocol.resume_writing()
        self._wake_reader()
        if self._closing and not self._unsent:
            self._lose(None)

    def _lose(self, error: Exception | None, *, reset: bool = False) -> None:
        """End the connection; the event loop notifies the protocol."""
        if self._lost:
            return
        self._lost = self._closing = True
        self._reset = reset
        self._incoming.clear()
        self._unsent.clear()
        if reset:
            self._readable.clear()
        self._wake_reader()
        self._wake_drainers()
        self._loop.call_soon(self._tell_lost, error)

    def _tell_lost(self, error: Exception | None) -> None:
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connection_lost(error)

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _wake_drainers(self) -> None:
        drainers, self._drainers = self._drainers, []
        for waiter in drainers:
            if not waiter.done():
                waiter.set_result(None)


class MemoryConnection:
    """The client's end of a connection in memory.

    Arguments:
        transport: the server's end.

    Attributes:
        transport: the server's end.
    """

    def __init__(self, transport: MemoryTransport) -> None:
        self.transport = transport
        self._closed = False
        self._reads = asyncio.Event()
        self._reads.set()

    @property
    def closed(self) -> bool:
        """Whether the connection has ended: closed here, or ended by the server with everything read."""
        return self._closed or (self.transport.is_over and not self.transport.readable)

    @property
    def unread(self) -> int:
        """The number of bytes written here that the server has not taken."""
        return self.transport.unread

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes. They wait here as long as the server does not read; see `drain`."""
        self.transport.take(data)

    async def drain(self) -> None:
        """Wait until the server has taken everything written, or the connection has ended."""
        await self.transport.taken()

    def write_eof(self) -> None:
        """End the data sent; data from the server can still be read."""
        self.transport.take_end()

    async def read(self, size: int = 65536) -> bytes:
        """Wait for data, and return at most `size` bytes of it; `b""` at the end.

        Raises:
            ConnectionResetError: the server has dropped the connection, or it broke.
            UsageError: another task is already reading.
        """
        while True:
            await self._reads.wait()
            await self.transport.wait_readable()
            # Reading may have been paused meanwhile.
            if self._reads.is_set():
                return self.transport.give(size)

    def pause(self) -> None:
        """Stop reading until `resume`: calls of `read` wait, including one that is already waiting."""
        self._reads.clear()

    def resume(self) -> None:
        """Resume reading."""
        self._reads.set()

    def close(self) -> None:
        """Close the connection; data already written still arrives, unless the server has more to send."""
        if not self._closed:
            self._closed = True
            self.resume()
            self.transport.leave()

    def reset(self, error: OSError | None = None) -> None:
        """Reset the connection: data under way in either direction is lost.

        Arguments:
            error: the error that the server's protocol gets.
        """
        self._closed = True
        self.resume()
        self.transport.break_off(error)
