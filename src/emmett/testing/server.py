"""`MemoryServer`: the default server without sockets."""

from __future__ import annotations

import asyncio
import itertools
import time
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

from ..dispatch import ServedApplication
from ..errors import UsageError
from ..server.dates import http_date
from ..server.http_protocol import HTTPProtocol
from ..server.process import make_config
from ..server.process_state import process_state
from ..server.server_state import ServerState
from .faults import Faults
from .transport import MemoryConnection, MemoryTransport

ADDRESS = "127.0.0.1"
# Turns of the event loop for closed connections whose clients read to end.
_TURNS = 20
# Seconds for a cancelled handler to end.
_CANCEL_GRACE = 5.0


class MemoryServer:
    """Runs an application as the default server does, with connections in memory: the same protocol code, no socket.

    `async with MemoryServer(app) as server:` runs start-up and shutdown around the block. Several servers may run in
    one event loop.

    Arguments:
        app: the application.
        drain_timeout: seconds for handlers to end before they are cancelled; by default the setting
            `server.shutdown_timeout`.
    """

    def __init__(self, app: ServedApplication, *, drain_timeout: float | None = None) -> None:
        self.app = app
        self._drain_timeout = drain_timeout
        self._config = make_config(app, port=0, configure_logging=False)
        # A new one for each run: its contents belong to one event loop.
        self._state = ServerState()
        self._ports = itertools.count(50_000)
        self._running = False
        self._transports: WeakSet[MemoryTransport] = WeakSet()

    async def __aenter__(self) -> Self:
        if self._running:
            raise UsageError("this MemoryServer is already running")
        if not self._config.loaded:
            self._config.load()
        await self.app.startup()
        self._state = ServerState()
        self._state.default_headers = [(b"date", http_date(time.time()))]
        self._running = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running = False
        try:
            await self._drain()
        finally:
            await self.app.shutdown()

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._state.connections)

    def connect(
        self, *, client: tuple[str, int] | None = None, secure: bool = False, faults: Faults | None = None
    ) -> MemoryConnection:
        """Open a connection.

        Arguments:
            client: the address and port that the application sees; by default a local address with a separate port.
            secure: whether it counts as a TLS connection: `https` and `wss`.
            faults: the faults of the connection.

        Raises:
            UsageError: the server is not running.
        """
        if not self._running:
            raise UsageError("this MemoryServer is not running: write `async with MemoryServer(app) as server:`")
        loop = asyncio.get_running_loop()
        extra: dict[str, Any] = {
            "peername": client or (ADDRESS, next(self._ports)),
            "sockname": (ADDRESS, 443 if secure else 80),
        }
        if secure:
            extra["sslcontext"] = True
        protocol = HTTPProtocol(self._config, self._state, {}, loop)
        transport = MemoryTransport(loop, protocol, faults or Faults(), extra)
        self._transports.add(transport)
        protocol.connection_made(transport)
        return MemoryConnection(transport)

    async def sweep(self, seconds: float) -> None:
        """Let deadlines pass without waiting: check every connection as if it were that many seconds later.

        Arguments:
            seconds: the time from now on. Deadlines that begin later count from the real time; those of the
                application, and that of a body it waits for, only use the real time.
        """
        loop = asyncio.get_running_loop()
        process_state(self._config, self._state, loop).sweep.look(loop.time() + seconds)
        await _turns()

    async def _drain(self) -> None:
        """Stop as the server does at SIGTERM: drain, wait for handlers up to the limit, cancel."""
        for connection in list(self._state.connections):
            connection.shutdown()
        await _turns()
        timeout = self.app.table.config.server.shutdown_timeout if self._drain_timeout is None else self._drain_timeout
        await self._handlers_end(timeout)
        for task in self._state.tasks():
            task.cancel()
        await self._handlers_end(_CANCEL_GRACE)
        # Data already written can still be read; clients that no longer read are dropped.
        for transport in list(self._transports):
            transport.close()
        await _turns()
        for transport in list(self._transports):
            transport.abort()
        await _turns()
        if tasks := self._state.tasks():
            left = ", ".join(sorted(task.get_name() for task in tasks))
            raise TimeoutError(f"handlers did not end within {_CANCEL_GRACE:g} s after they were cancelled: {left}")

    async def _handlers_end(self, seconds: float) -> None:
        """Wait until no handler runs, including those of requests that wait for another; at most `seconds`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (tasks := self._state.tasks()) and (left := end - loop.time()) > 0:
            await asyncio.wait(tasks, timeout=left)


async def _turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
