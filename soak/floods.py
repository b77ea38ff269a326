"""Peers that flood the server with work that wakes no handler: for `neighbours`.

Each is a coroutine that continues until the server drops its connection, and is then started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable

from soak.visitors import BINARY, CONTINUATION, PING, PONG, TEXT, Visitor, frame

Flood = Callable[[int], Awaitable[None]]

# Bytes per write.
BURST = 64 * 1024
INFLATED = 1024 * 1024


async def _flood(port: int, path: str, unit: bytes, *fields: str) -> None:
    """Write the same bytes repeatedly, and read all responses."""
    burst = unit * max(BURST // len(unit), 1)
    while True:
        visitor = Visitor(port, Counter())
        with contextlib.suppress(OSError, EOFError):
            await visitor.open(path, fields=fields)
            swallowing = asyncio.create_task(_swallow(visitor))
            while not swallowing.done():
                visitor.writer.write(burst)
                await visitor.writer.drain()


async def _swallow(visitor: Visitor) -> None:
    with contextlib.suppress(OSError):
        while await visitor.reader.read(1 << 16):
            pass


async def texts(port: int) -> None:
    """Send messages that are echoed."""
    await _flood(port, "/echo", frame(TEXT, b"x" * 64))


async def pings(port: int) -> None:
    """Send Pings, and read the answers."""
    await _flood(port, "/echo", frame(PING, b""))


async def pongs(port: int) -> None:
    """Send unsolicited Pongs."""
    await _flood(port, "/echo", frame(PONG, b""))


async def pings_after_close(port: int) -> None:
    """Send Pings instead of the answer to a Close frame."""
    await _flood(port, "/closing", frame(PING, b""))


async def texts_after_close(port: int) -> None:
    """Send messages instead of the answer to a Close frame."""
    await _flood(port, "/closing", frame(TEXT, b""))


async def empty_fragments(port: int) -> None:
    """Send messages of two empty fragments."""
    first, last = bytearray(frame(BINARY, b"")), frame(CONTINUATION, b"")
    first[0] &= 0x7F
    await _flood(port, "/echo", bytes(first) + last)


async def inflating(port: int) -> None:
    """Send messages of 1 kB that inflate to 1 MiB, a thousand per second."""
    compressor = zlib.compressobj(wbits=-12)
    payload = (compressor.compress(bytes(INFLATED)) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
    message = bytearray(frame(BINARY, payload))
    message[0] |= 0x40
    await _flood(port, "/deflate", bytes(message), "Sec-WebSocket-Extensions: permessage-deflate")


async def chunks(port: int) -> None:
    """Send a body in chunks of one byte to a route that does not read it."""
    head = b"POST /hello HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    burst = b"1\r\nx\r\n" * (BURST // 6)
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            while True:
                writer.write(burst)
                await writer.drain()


FLOODS: dict[str, Flood] = {
    "flood of texts": texts,
    "flood of pings": pings,
    "flood of pongs": pongs,
    "pings after our close": pings_after_close,
    "texts after our close": texts_after_close,
    "empty fragments": empty_fragments,
    "1 kB that inflates to 1 MiB": inflating,
    "chunks of one byte": chunks,
}
