"""Correct and faulty servers in the test's own event loop, for the loads."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.plan import LoadPlan

HOST = "127.0.0.1"


def plan(kind: str, port: int, path: str = "/echo/lobby", *, raw: bool = False, **fields: Any) -> LoadPlan:
    """Return a small plan: three connections, a twentieth of a second."""
    few: dict[str, Any] = {"connections": 3, "warm_up": 0.01, "seconds": 0.05} | fields
    return LoadPlan(kind=kind, host=HOST, port=port, path=path, raw=raw, server_pid=os.getpid(), **few)


@asynccontextmanager
async def listening(protocol: type[asyncio.BaseProtocol], tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve a protocol on a free port, and return the port."""
    server = await asyncio.get_running_loop().create_server(protocol, HOST, 0, ssl=tls)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        yield port


class Base(asyncio.Protocol):
    """Has a transport, and does nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # uvloop's is not an asyncio.Transport

    def data_received(self, data: bytes) -> None:
        """Read and send nothing."""


class Liar(Base):
    """Sends back as many bytes, but other ones."""

    def data_received(self, data: bytes) -> None:
        self.transport.write(data[::-1])


class Doubler(Base):
    """Sends everything back twice."""

    def data_received(self, data: bytes) -> None:
        self.transport.write(data + data)


class Refusing(Base):
    """Closes at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Leaving(Base):
    """Closes when it receives data."""

    def data_received(self, data: bytes) -> None:
        self.transport.close()
