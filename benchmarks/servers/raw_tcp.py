"""The limit: uvloop sends back what it has read. No frames, no parsing, no coroutine.

It knows no paths, so the scenario says what it does with bytes: back to the sender (echo), to everybody (broadcast), to
the first connection (funnel), or as a response that is ready (http).
"""

from __future__ import annotations

import asyncio
import os
from typing import cast

import uvloop

from benchmarks.server_options import ServerOptions


class Echo(asyncio.Protocol):
    """Writes every read back at once."""

    # In the order in which they came.
    members: dict[Echo, None] = {}  # noqa: RUF012  # all of them, on purpose

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, since uvloop's transports do not inherit asyncio's.
        self.write = cast(asyncio.Transport, transport).write
        self.members[self] = None

    def data_received(self, data: bytes) -> None:
        self.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        del self.members[self]


class SecureEcho(asyncio.BufferedProtocol):
    """Writes every read back at once. With TLS uvloop reads into a buffer of ours at far less cost."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.write = cast(asyncio.Transport, transport).write
        # A view, since asyncio slices what it gets, and a slice of a bytearray is a copy.
        self.view = memoryview(bytearray(64 * 1024))

    def get_buffer(self, sizehint: int) -> memoryview[int]:
        return self.view

    def buffer_updated(self, nbytes: int) -> None:
        self.write(bytes(self.view[:nbytes]))


class Broadcast(Echo):
    """Writes every read to all connections."""

    def data_received(self, data: bytes) -> None:
        for member in self.members:
            member.write(data)


class Funnel(Echo):
    """Writes every read to the connection that came first."""

    def data_received(self, data: bytes) -> None:
        next(iter(self.members)).write(data)


def _response(content_type: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (content_type, len(body), body)


class HTTP(Echo):
    """Writes a prebuilt response for each read, as if it were one request."""

    text = _response(b"text/plain", b"Hello, World!")
    json = _response(b"application/json", b'{"message":"Hello, World!"}')

    def data_received(self, data: bytes) -> None:
        self.write(self.json if data.startswith(b"GET /json") else self.text)


PROTOCOLS = {"echo": Echo, "broadcast": Broadcast, "funnel": Funnel, "http": HTTP}


async def serve(options: ServerOptions) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(
        SecureEcho if options.certificate else PROTOCOLS[options.mode],
        options.host,
        options.port,
        ssl=options.tls(),
        reuse_port=options.workers > 1,
        backlog=2048,
    )
    await server.serve_forever()


if __name__ == "__main__":
    chosen = ServerOptions.from_environment()
    for _ in range(chosen.workers - 1):
        if os.fork() == 0:
            break
    uvloop.run(serve(chosen))
