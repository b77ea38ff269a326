"""Real servers for tests, in the event loop of the test: the default one, and others that run the `App` over ASGI."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import hypercorn.asyncio
import hypercorn.config
import uvicorn
from granian.constants import Interfaces
from granian.server.embed import Server as GranianServer

from emmett import App
from emmett.server import Server, make_config
from tests.ports import free_port


class Running:
    """A running server.

    Attributes:
        port: where it listens on 127.0.0.1; 0 for a unix socket.
        server: the server object of the default server; None for others.
    """

    def __init__(self, port: int, server: Server | None = None) -> None:
        self.port = port
        self.server = server

    @property
    def url(self) -> str:
        """The beginning of its websocket URLs."""
        return f"ws://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def run_emmett(app: App, **options: Any) -> AsyncIterator[Running]:
    """Run the default server."""
    # The server must not change the logging of the test run.
    options.setdefault("configure_logging", False)
    server = Server(make_config(app, port=0, **options))
    async with _running(server, server.serve_without_signals) as port:
        yield Running(port, server)


async def gone(running: Running) -> None:
    """Wait until the default server has no connection left; the deadline is that of the test."""
    assert running.server is not None
    # These sets notify nobody when they change.
    while running.server.server_state.connections or running.server.server_state.tasks():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def settle() -> None:
    """Let a server in this event loop handle the bytes sent to it, which have already arrived over loopback."""
    for _ in range(50):
        await asyncio.sleep(0)


def _uvicorn_with(implementation: str) -> Callable[[App], AbstractAsyncContextManager[Running]]:
    @contextlib.asynccontextmanager
    async def run(app: App) -> AsyncIterator[Running]:
        config = uvicorn.Config(app, port=0, ws=implementation, lifespan="on", log_config=None)
        async with run_asgi(uvicorn.Server(config)) as running:
            yield running

    return run


@contextlib.asynccontextmanager
async def run_asgi(server: uvicorn.Server) -> AsyncIterator[Running]:
    """Run uvicorn, in the event loop of the test."""
    # Not `serve`: that takes over the signals of the process, which are those of the test run.
    async with _running(server, server._serve) as port:
        yield Running(port)


@contextlib.asynccontextmanager
async def _running(
    server: Server | uvicorn.Server, serve: Callable[[], Coroutine[Any, Any, None]]
) -> AsyncIterator[int]:
    """Run a server and yield its port."""
    started = asyncio.Event()
    start = server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await start(sockets)
        started.set()

    async def main_loop() -> None:
        # The server's own looks ten times a second, and a thousand tests would wait for that.
        if isinstance(server, Server):
            server.set_date()
        else:
            await server.on_tick(0)
        while not server.should_exit:  # noqa: ASYNC110 - tests set it as a signal does
            await asyncio.sleep(0.01)

    server.startup = startup  # type: ignore[method-assign]
    server.main_loop = main_loop  # type: ignore[method-assign]
    task = asyncio.create_task(serve())
    try:
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            waiting.cancel()
            task.result()
            raise AssertionError("the server ended before it started")
        name = cast("asyncio.Server", server.servers[0]).sockets[0].getsockname()
        yield name[1] if isinstance(name, tuple) else 0
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def run_hypercorn(app: App) -> AsyncIterator[Running]:
    """Run the application on hypercorn."""
    port = free_port()
    config = hypercorn.config.Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.errorlog = None
    config.graceful_timeout = 1
    stop = asyncio.Event()
    serving = hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]
    task = asyncio.ensure_future(serving)
    try:
        await connectable(port)
        yield Running(port)
    finally:
        stop.set()
        await task


@contextlib.asynccontextmanager
async def run_granian(app: App) -> AsyncIterator[Running]:
    """Run the application on granian, embedded."""
    port = free_port()
    server = GranianServer(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
    task = asyncio.create_task(server.serve())
    try:
        await connectable(port)
        yield Running(port)
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        await task


async def connectable(port: int) -> None:
    """Wait until a server accepts connections; the deadline is that of the test."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            await writer.wait_closed()
            return


SERVERS: dict[str, Callable[[App], AbstractAsyncContextManager[Running]]] = {
    "emmett": run_emmett,
    "uvicorn-websockets": _uvicorn_with("websockets"),
    "uvicorn-websockets-sansio": _uvicorn_with("websockets-sansio"),
    "uvicorn-wsproto": _uvicorn_with("wsproto"),
    "hypercorn": run_hypercorn,
    "granian": run_granian,
}
