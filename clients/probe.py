"""A server that shows what a client does on the wire, and can be as unkind to it as a test needs."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self

from websockets.speedups import apply_mask
from websockets.utils import accept_key

HOST = "127.0.0.1"
MAX_HEAD = 64 * 1024
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Frame(NamedTuple):
    """A frame as it came: `size` is that of the payload, `final` and `compressed` are FIN and RSV1."""

    opcode: int
    final: bool
    compressed: bool
    payload: bytes

    @property
    def size(self) -> int:
        """The length of the payload."""
        return len(self.payload)


@dataclass(slots=True)
class Connection:
    """A connection of a client, from its upgrade request on.

    Attributes:
        path: the path and query of the request.
        fields: its header fields, names in lower case.
        pongs: how many Pongs have come.
    """

    path: str
    fields: Mapping[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    pongs: int = 0

    async def accept(self) -> None:
        """Answer the handshake with 101, and with the first subprotocol that the client offers."""
        key = accept_key(self.fields["sec-websocket-key"])
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        lines.append(f"Sec-WebSocket-Accept: {key}")
        if "sec-websocket-protocol" in self.fields:
            lines.append(f"Sec-WebSocket-Protocol: {self.fields['sec-websocket-protocol'].split(',')[0].strip()}")
        await self._write("\r\n".join([*lines, "", ""]).encode())

    async def refuse(self, status: str = "403 Forbidden", body: str = "no entry") -> None:
        """Answer the handshake with an error and close the connection."""
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        await self._write((head + body).encode())
        self.drop()

    async def send(self, payload: str | bytes, opcode: int | None = None) -> None:
        """Send one unfragmented frame: a text, a binary message, or what `opcode` says."""
        data = payload.encode() if isinstance(payload, str) else payload
        first = 0x80 | (opcode or (TEXT if isinstance(payload, str) else BINARY))
        size = len(data)
        if size < 126:
            head = bytes((first, size))
        elif size < 65536:
            head = bytes((first, 126)) + size.to_bytes(2)
        else:
            head = bytes((first, 127)) + size.to_bytes(8)
        await self._write(head + data)

    async def close(self, code: int, reason: str = "") -> None:
        """Send a Close frame."""
        await self.send(code.to_bytes(2) + reason.encode(), CLOSE)

    def drop(self) -> None:
        """Close the TCP connection without a Close frame."""
        self.writer.close()

    async def frame(self) -> Frame:
        """Return the next frame of the client.

        Raises:
            EOFError, OSError: the client has closed the connection.
        """
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8))
        key = await self.reader.readexactly(4) if second & 0x80 else b"\0\0\0\0"
        payload = apply_mask(await self.reader.readexactly(size), key)
        return Frame(first & 0xF, bool(first & 0x80), bool(first & 0x40), payload)

    async def message(self) -> list[Frame]:
        """Return the frames of the next message; a Close frame counts as one, Pings and Pongs are passed over."""
        frames = []
        while True:
            found = await self.frame()
            if found.opcode in (PING, PONG):
                self.pongs += found.opcode == PONG
                continue
            frames.append(found)
            if found.final:
                return frames

    async def _write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


class Probe:
    """Listens on a free port, hands out connections by their path, serves a page, and takes the events of the page.

    Arguments:
        pages: what a plain GET answers, by path.
    """

    def __init__(self, pages: Mapping[str, tuple[str, str]] | None = None) -> None:
        self.pages = dict(pages or {})
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.port = 0
        self._waiting: defaultdict[str, asyncio.Queue[Connection]] = defaultdict(asyncio.Queue)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, HOST, 0, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    async def connection(self, name: str, seconds: float) -> Connection:
        """Return the next connection whose path begins with `/name`.

        Raises:
            TimeoutError: none came within so many seconds.
        """
        async with asyncio.timeout(seconds):
            return await self._waiting[name].get()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n"))[:MAX_HEAD].decode("latin-1")
            request, *lines = head.split("\r\n")
            method, target, _ = request.split(" ", 2)
            fields = {}
            for line in lines:
                key, separator, value = line.partition(":")
                if separator:
                    fields[key.strip().lower()] = value.strip()
            if fields.get("upgrade", "").lower() == "websocket":
                name = target.strip("/").split("?")[0].split("/")[0]
                self._waiting[name].put_nowait(Connection(target, fields, reader, writer))
                return
            body = await reader.readexactly(int(fields.get("content-length", "0")))
            await self._plain(writer, method, target, body)
        except (EOFError, OSError, ValueError):
            pass
        writer.close()

    async def _plain(self, writer: asyncio.StreamWriter, method: str, target: str, body: bytes) -> None:
        if method == "POST":
            self.events.put_nowait(json.loads(body))
        kind, text = self.pages.get(target.partition("?")[0], ("text/plain", ""))
        data = text.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + data)
        await writer.drain()
