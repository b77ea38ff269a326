"""A separate port for measurements, for networks in which only Prometheus may see them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable

from .exposition import CONTENT_TYPE

logger = logging.getLogger("emmett.telemetry")

# Seconds within which a scraper must send its request and read the answer.
TIMEOUT = 10.0
# The most concurrent scrapes; further connections are closed.
MAX_SCRAPES = 16


class ScrapeListener:
    """Answers every GET request with the measurements. The workers of a server share the port.

    Arguments:
        host: the address to listen on.
        port: the port; 0 for a free one.
        text: returns the measurements.
    """

    def __init__(self, host: str, port: int, text: Callable[[], Awaitable[str]]) -> None:
        self._host = host
        self._port = port
        self._text = text
        self._server: asyncio.Server | None = None
        self._scrapes: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> tuple[str, int] | None:
        """The address that it listens on."""
        if self._server is None:
            return None
        host, port, *_ = self._server.sockets[0].getsockname()
        return host, port

    async def start(self) -> None:
        """Listen. Called when the application starts."""
        has_reuse_port = hasattr(socket, "SO_REUSEPORT")
        try:
            self._server = await asyncio.start_server(
                self._serve, self._host, self._port, reuse_port=has_reuse_port or None, limit=16 * 1024
            )
        except OSError as error:
            logger.error("cannot offer measurements on port %d: %s", self._port, error)

    async def stop(self) -> None:
        """Close. Called when the application stops."""
        if self._server is not None:
            self._server.close()
            for task in self._scrapes:
                task.cancel()
            if self._scrapes:
                await asyncio.wait(self._scrapes)
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._scrapes.add(task)
        try:
            if len(self._scrapes) <= MAX_SCRAPES:
                with contextlib.suppress(TimeoutError, OSError, EOFError, asyncio.LimitOverrunError):
                    async with asyncio.timeout(TIMEOUT):
                        await self._answer(reader, writer)
        except asyncio.CancelledError:
            # By `stop`. In CPython 3.11, the callback of asyncio.streams does not expect a cancellation.
            pass
        finally:
            self._scrapes.discard(task)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"GET "):
            writer.write(
                b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        else:
            body = (await self._text()).encode()
            writer.write(
                f"HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n".encode()
            )
            writer.write(body)
        await writer.drain()
        writer.write_eof()
        await reader.read(1)
