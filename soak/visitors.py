"""The visitors of a soak: their behaviour, and the counts of what they saw."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import Sequence

from websockets.utils import apply_mask

REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n"
)
SIZE = 1024
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a masked frame."""
    mask = random.randbytes(4)
    first = bytes((0x80 | opcode,))
    if len(payload) < 126:
        return first + bytes((0x80 | len(payload),)) + mask + apply_mask(payload, mask)
    return first + b"\xfe" + len(payload).to_bytes(2, "big") + mask + apply_mask(payload, mask)


def numbered(number: int) -> bytes:
    """Return a message with a number: 1 KiB of text that begins with the number."""
    return b"%08d" % number + b"." * (SIZE - 8)


class Visitor:
    """One connection.

    Arguments:
        port: the port of the server on 127.0.0.1.
        seen: the shared counter: messages sent and received, connections, and faults by name.
    """

    def __init__(self, port: int, seen: Counter[str]) -> None:
        self.port = port
        self.seen = seen
        self.sent = 0
        self.received = 0
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def open(self, path: str, receive_buffer: int | None = None, fields: Sequence[str] = ()) -> None:
        """Make the handshake, with further header fields."""
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        self.reader, self.writer = await asyncio.open_connection(sock=sock, limit=1 << 16)
        lines = "".join(f"{field}\r\n" for field in fields)
        self.writer.write(REQUEST.format(path=path, fields=lines).encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            self.seen[f"fault: handshake answered {head[:15]!r}"] += 1
            raise ConnectionError("refused")
        self.seen["connections"] += 1

    def say(self) -> None:
        """Send the next numbered message."""
        self.writer.write(frame(TEXT, numbered(self.sent)))
        self.sent += 1
        self.seen["sent"] += 1

    async def hear(self, until: int) -> None:
        """Read until that many messages have come back, each once and in order; answer Pings."""
        while self.received < until:
            first, length = await self.reader.readexactly(2)
            if length == 126:
                length = int.from_bytes(await self.reader.readexactly(2), "big")
            payload = await self.reader.readexactly(length)
            opcode = first & 0x0F
            if opcode == PING:
                self.writer.write(frame(PONG, payload))
                self.seen["pings"] += 1
            elif opcode == TEXT:
                if payload != numbered(self.received):
                    self.seen["fault: lost, doubled or changed"] += 1
                self.received += 1
                self.seen["received"] += 1
            elif opcode == CLOSE:
                raise ConnectionError("closed")

    async def leave(self) -> None:
        """Close the connection properly."""
        self.writer.write(frame(CLOSE, b"\x03\xe8"))
        await self.reader.read()
        self.writer.close()

    def vanish(self) -> None:
        """Reset the connection."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


async def steady(port: int, seen: Counter[str], end: float, interval: float) -> None:
    """Stay to the end, and send a message at intervals."""
    loop = asyncio.get_running_loop()
    visitor = Visitor(port, seen)
    await asyncio.sleep(random.uniform(0, interval))
    await visitor.open("/echo")
    while loop.time() < end:
        visitor.say()
        async with asyncio.timeout(30):
            await visitor.hear(visitor.sent)
        await asyncio.sleep(random.uniform(0.5, 1.5) * interval)
    await visitor.leave()


async def churning(port: int, seen: Counter[str], end: float, interval: float) -> None:
    """Connect, send and leave: half of the visitors with a Close frame, half without."""
    loop = asyncio.get_running_loop()
    while loop.time() < end:
        visitor = Visitor(port, seen)
        await visitor.open("/echo")
        for _ in range(random.randrange(5)):
            visitor.say()
            async with asyncio.timeout(30):
                await visitor.hear(visitor.sent)
            await asyncio.sleep(random.uniform(0.5, 1.5) * interval)
        if random.random() < 0.5:
            visitor.say()
            visitor.vanish()
            seen["vanished"] += 1
        else:
            await visitor.leave()
        await asyncio.sleep(random.uniform(0, interval))


async def slow(port: int, seen: Counter[str], end: float, interval: float) -> None:
    """Ask for a flood and do not read it: the server must drop this visitor and no other."""
    loop = asyncio.get_running_loop()
    while loop.time() < end:
        visitor = Visitor(port, seen)
        await visitor.open("/flood", receive_buffer=4096)
        visitor.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(8)
        visitor.writer.transport.abort()
        seen["slow readers"] += 1


async def ghostly(port: int, seen: Counter[str], end: float, interval: float) -> None:
    """Send one message more than the server accepts, and leave: by EOF, a reset or a Close frame."""
    loop = asyncio.get_running_loop()
    while loop.time() < end:
        visitor = Visitor(port, seen)
        await visitor.open("/ghosts")
        visitor.writer.write(frame(TEXT, b"x") * 17)
        await visitor.writer.drain()
        how = random.choice(("end", "reset", "close"))
        if how == "reset":
            visitor.vanish()
        elif how == "close":
            await visitor.leave()
        else:
            visitor.writer.close()
        seen["ghosts"] += 1
        await asyncio.sleep(random.uniform(0.5, 1.5) * interval)
