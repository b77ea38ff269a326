"""The limit: uvloop sends back what it has read. No frames, no parsing, no coroutine.

Usage: raw_tcp.py HOST PORT
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop


class Echo(asyncio.Protocol):
    """Writes every read back at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, since uvloop's transports do not inherit asyncio's.
        self.write = cast(asyncio.Transport, transport).write

    def data_received(self, data: bytes) -> None:
        self.write(data)


async def serve(host: str, port: int) -> None:
    """Echo until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Echo, host, port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2])))
