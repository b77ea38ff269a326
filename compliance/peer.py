"""The client of the cases: it sends raw bytes, and reads the server's strictly."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import NamedTuple

from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

_KNOWN = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))
# The end of a flushed deflate stream, which is omitted on the wire (RFC 7692, 7.2.1).
_TAIL = b"\x00\x00\xff\xff"


class Violation(Exception):
    """The server violated an RFC."""


class Frame(NamedTuple):
    """A frame from the server."""

    opcode: int
    payload: bytes
    compressed: bool


class Answer(NamedTuple):
    """The head of the answer to a handshake; names of fields are in lower case."""

    status: int
    fields: dict[str, str]


class Peer:
    """A connection to the server.

    Attributes:
        inflater: decompresses the server's messages once permessage-deflate has been negotiated.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.inflater: zlib._Decompress | None = None
        self._new_inflater: Callable[[], zlib._Decompress] | None = None

    def inflate(self, *, window_bits: int, keeps_context: bool) -> None:
        """Inflate compressed messages, with a window no larger than negotiated."""
        self.inflater = zlib.decompressobj(wbits=-window_bits)
        if not keeps_context:
            self._new_inflater = partial(zlib.decompressobj, wbits=-window_bits)

    async def send(self, *pieces: bytes) -> None:
        """Send pieces that the server reads separately: it runs in this event loop, and gets a turn after each."""
        for piece in pieces:
            self._writer.write(piece)
            if len(pieces) > 1:
                # One turn to poll the sockets, one to run their callbacks.
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    async def read_answer(self) -> Answer:
        """Read the head of the answer."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
        version, status, _ = status_line.split(" ", 2)
        if version != "HTTP/1.1":
            raise Violation(f"the answer is of {version}")
        fields: dict[str, str] = {}
        for line in lines:
            name, separator, value = line.partition(": ")
            if not separator or name.lower() in fields:
                raise Violation(f"the answer has the line {line!r}")
            fields[name.lower()] = value
        return Answer(int(status), fields)

    async def read_body(self, answer: Answer) -> None:
        """Read the body of a refusal; nothing may follow it."""
        size = int(answer.fields.get("content-length", "0"))
        await self._reader.readexactly(size)
        await self.read_end()

    async def read_frame(self) -> Frame:
        """Read one frame (RFC 6455, 5.2): final, unmasked, its length in the shortest form."""
        first, second = await self._reader.readexactly(2)
        opcode, length, least = first & 0x0F, second, 0
        if second & 0x80:
            raise Violation("a server must not mask")
        if length == 126:
            length, least = int.from_bytes(await self._reader.readexactly(2), "big"), 126
        elif length == 127:
            length, least = int.from_bytes(await self._reader.readexactly(8), "big"), 0x10000
        if length < least:
            raise Violation(f"a length of {length} is not encoded in the shortest form")
        if opcode not in _KNOWN:
            raise Violation(f"opcode {opcode:#x} is reserved")
        if not first & 0x80 or opcode == CONTINUATION:
            raise Violation("this server does not send fragments")
        compressed = bool(first & 0x40)
        if first & 0x30 or (compressed and (self.inflater is None or opcode >= CLOSE)):
            raise Violation(f"a reserved bit is set: first byte {first:#x}")
        if opcode >= CLOSE and length > 125:
            raise Violation(f"a control frame of {length} bytes")
        return Frame(opcode, await self._reader.readexactly(length), compressed)

    def decode(self, frame: Frame) -> str | bytes:
        """Return the message in a data frame."""
        payload = frame.payload
        if frame.compressed:
            assert self.inflater is not None
            try:
                payload = self.inflater.decompress(payload + _TAIL)
            except zlib.error as error:
                raise Violation(f"a message cannot be inflated: {error}") from None
            if self._new_inflater is not None:
                self.inflater = self._new_inflater()
        try:
            return payload.decode() if frame.opcode == TEXT else payload
        except UnicodeDecodeError:
            raise Violation("a text message that is not UTF-8") from None

    async def read_end(self) -> None:
        """Check that the connection ends without further bytes."""
        with contextlib.suppress(ConnectionResetError):
            late = await self._reader.read()
            if late:
                raise Violation(f"{len(late)} bytes after the end: {late[:40]!r}")


@contextlib.asynccontextmanager
async def connect(port: int) -> AsyncIterator[Peer]:
    """Connect to the server on 127.0.0.1."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
