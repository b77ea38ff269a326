"""A client on a bare socket, for behaviour and details that regular clients do not offer."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from tests.wire.frame_maker import CLOSE, client_frame, close_payload

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def upgrade_request(path: str = "/", *fields: bytes, host: bytes = b"localhost") -> bytes:
    """Return a handshake as a browser sends it, with further header fields."""
    lines = [
        b"GET " + path.encode("latin-1") + b" HTTP/1.1",
        b"Host: " + host,
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: " + KEY,
        b"Sec-WebSocket-Version: 13",
        *fields,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


class RawClient:
    """A connection on which the test controls every byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)

    async def read_head(self) -> tuple[int, dict[str, str]]:
        """Read the head of a response: its status, and its fields by lower-case name."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
        fields = dict(line.split(": ", 1) for line in lines)
        return int(status_line.split(" ")[1]), {name.lower(): value for name, value in fields.items()}

    async def read_response(self) -> tuple[int, dict[str, str], bytes]:
        """Read a whole response that has a Content-Length."""
        status, fields = await self.read_head()
        return status, fields, await self.reader.readexactly(int(fields["content-length"]))

    async def upgrade(self, path: str = "/", *fields: bytes, behind: bytes = b"") -> dict[str, str]:
        """Make the handshake; `behind` goes out in the same write. Returns the fields of the 101."""
        self.write(upgrade_request(path, *fields) + behind)
        status, answer = await self.read_head()
        assert status == 101, f"the handshake was answered with {status}"
        return answer

    async def read_frame(self) -> tuple[int, bytes]:
        """Read one frame of the server: its opcode and payload."""
        first, second = await self.reader.readexactly(2)
        assert first & 0x70 == 0, "a reserved bit is set"
        assert not second & 0x80, "a server must not mask"
        length = second
        if second == 126:
            length = int.from_bytes(await self.reader.readexactly(2), "big")
        elif second == 127:
            length = int.from_bytes(await self.reader.readexactly(8), "big")
        return first & 0x0F, await self.reader.readexactly(length)

    async def read_close(self) -> tuple[int, str]:
        """Read frames up to the Close frame: its code and reason; 1005 when it carries none."""
        while True:
            opcode, payload = await self.read_frame()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big") if payload else 1005, payload[2:].decode()

    async def close(self, code: int = 1000) -> tuple[int, str]:
        """Make a proper closing handshake, and return the server's answer."""
        self.write(client_frame(CLOSE, close_payload(code)))
        answer = await self.read_close()
        await self.read_end()
        return answer

    async def read_end(self) -> bytes:
        """Read to the end of the connection, and return the bytes before it."""
        with contextlib.suppress(ConnectionResetError):
            return await self.reader.read()
        return b""


@contextlib.asynccontextmanager
async def connect(
    port: int, *, tls: ssl.SSLContext | None = None, limit: int = 1 << 16, uds: str | None = None
) -> AsyncIterator[RawClient]:
    """Open a connection to 127.0.0.1, or to a unix socket."""
    if uds is not None:
        reader, writer = await asyncio.open_unix_connection(uds, limit=limit)
    else:
        name = "localhost" if tls is not None else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name, limit=limit)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
