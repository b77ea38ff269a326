"""`Server`: runs an application in an event loop until a signal stops it, with deadlines for start-up and shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from types import FrameType
from typing import cast

from ..errors import BrokerUnavailable, ConfigurationError
from ..logs import enable_loggers
from .dates import http_date
from .exit_limit import EXIT_MARGIN, cancel_exit_limit, limit_exit
from .heap import keep_freed_memory
from .listeners import Listeners
from .listening import listen
from .server_config import STARTUP_FAILURE, ServerConfig
from .server_state import ServerState
from .signal_inbox import HANG_UP, STOP_SIGNALS
from .task_names import describe_task

logger = logging.getLogger("uvicorn.error")

# Seconds between two looks whether a signal has arrived, and whether the last connection is closed.
LOOK_INTERVAL = 0.1
LOOKS_A_SECOND = 10


class Server:
    """Serves an application, with deadlines for start-up and shutdown.

    The first signal stops the server, and the process ends with status 0. A second signal ends it at once: handlers are
    cancelled, and the functions of on_shutdown do not run. No application can keep it running past its deadlines.

    Arguments:
        config: the configuration.
        on_ready: called when the server accepts connections.
        on_stopping: called when it begins to stop.

    Attributes:
        server_state: what it shares with its connections.
        servers: the servers of the event loop, one for each socket.
        started: whether it accepts connections, or has done so.
        should_exit: whether it is asked to stop.
        force_exit: whether it is asked to stop at once.
    """

    def __init__(
        self,
        config: ServerConfig,
        on_ready: Callable[[], None] = lambda: None,
        on_stopping: Callable[[], None] = lambda: None,
    ) -> None:
        self.config = config
        self.server_state = ServerState()
        self.servers: Sequence[asyncio.AbstractServer] = ()
        self.started = False
        self.should_exit = False
        self.force_exit = False
        self._on_ready = on_ready
        self._on_stopping = on_stopping
        # The task that a signal may interrupt.
        self._interruptible: asyncio.Task[object] | None = None
        # Whether this server is all that runs in the process.
        self._owns_process = False
        # Sockets that this server bound itself and must close.
        self._listeners: Listeners | None = None

    def run_until_stopped(self, sockets: list[socket.socket] | None = None) -> bool:
        """Serve in a new event loop until a signal stops the server.

        Returns:
            Whether the server started, or was stopped before it could.
        """
        loop = self.config.new_event_loop()
        self._owns_process = True
        try:
            asyncio.set_event_loop(loop)
            _run_past_exits(loop, loop.create_task(self.serve(sockets)))
        finally:
            try:
                loop.run_until_complete(self._cancel_others())
                loop.run_until_complete(loop.shutdown_asyncgens())
            finally:
                asyncio.set_event_loop(None)
                loop.close()
                cancel_exit_limit()
        return self.started or self.should_exit

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal stops the server.

        Arguments:
            sockets: bound sockets to listen on; by default those of the configuration.
        """
        with self.capture_signals():
            await self.serve_without_signals(sockets)

    async def serve_without_signals(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `should_exit` is set, and leave the signals of the process as they are."""
        if not self.config.loaded:
            self.config.load()
        logger.info("Started server process [%d]", os.getpid())
        await self.startup(sockets)
        if not self.should_exit:
            await self.main_loop()
        if self.started:
            await self.shutdown(sockets)
            logger.info("Finished server process [%d]", os.getpid())

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Run the functions of on_startup and listen.

        They run in the task that listens, so handlers see the context variables that they set.
        """
        if sockets is None:
            sockets = self._open_listeners()
        try:
            await self._start(sockets)
        finally:
            if not self.started:
                self._close_listeners()

    async def main_loop(self) -> None:
        """Keep the date of responses up to date until the server is asked to stop."""
        looks = 0
        while not self.should_exit:
            if looks % LOOKS_A_SECOND == 0:
                self.set_date()
            looks += 1
            await asyncio.sleep(LOOK_INTERVAL)

    def set_date(self) -> None:
        """Set the date of the next responses."""
        self.server_state.default_headers = [(b"date", http_date(time.time()))]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain the connections, end the handlers and run the functions of on_shutdown, each within its deadline."""
        self._on_stopping()
        self.config.application.table.is_draining = True
        if not self.force_exit:
            with self._interrupted():
                await asyncio.sleep(self.config.drain_delay)
        with self._interrupted():
            await self._drain(sockets or ())
        self._close_listeners()
        await self._end_handlers()
        if self.force_exit:
            return
        logger.info("Waiting for application shutdown.")
        if await self._run(self.config.application.shutdown, "on_shutdown", self.config.shutdown_timeout):
            logger.info("Application shutdown complete.")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, or stop at once if this is not the first signal."""
        self.force_exit = self.force_exit or self.should_exit
        if not self.should_exit and self.config.loaded:
            self._limit_stop()
        self.should_exit = True
        task = self._interruptible
        if task is not None and (self.force_exit or not self.started):
            task.get_loop().call_soon_threadsafe(self._interrupt)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Handle the signals until the server has stopped. Only the main thread of a process can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        captured = list(STOP_SIGNALS)
        # A closing terminal sends it; under `nohup` the process ignores it.
        if HANG_UP is not None and signal.getsignal(HANG_UP) is not signal.SIG_IGN:
            captured.append(HANG_UP)
        # Not the event loop's way of handling signals: it would not restore the handlers of the application.
        before = {number: signal.signal(number, self.handle_exit) for number in captured}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def _start(self, sockets: list[socket.socket]) -> None:
        application = self.config.application
        application.table.is_draining = False
        application.table.drain = self._stop_softly
        # Importing the application may have configured logging and disabled these loggers.
        enable_loggers("uvicorn")
        logger.info("Waiting for application startup.")
        succeeded = await self._run(application.startup, "on_startup")
        enable_loggers("uvicorn")
        if self.should_exit:
            return
        if not succeeded:
            logger.error("Application startup failed. Exiting.")
            sys.exit(STARTUP_FAILURE)
        kept_memory = application.table.config.server.kept_memory
        if self._owns_process and kept_memory is not None:
            keep_freed_memory(kept_memory)
        logger.info("Application startup complete.")
        self.servers = await listen(
            self._make_protocol,
            sockets,
            tls=self.config.ssl,
            handshake_timeout=application.table.config.http.head_timeout,
        )
        if self._listeners is not None:
            self._listeners.log_address()
        self.started = True
        self._on_ready()

    def _open_listeners(self) -> list[socket.socket]:
        try:
            self._listeners = Listeners(self.config)
        except OSError as error:
            logger.error("cannot listen: %s", error)
            sys.exit(STARTUP_FAILURE)
        return self._listeners.sockets

    def _close_listeners(self) -> None:
        if self._listeners is not None:
            self._listeners.close()

    def _make_protocol(self) -> asyncio.Protocol:
        make = cast("Callable[..., asyncio.Protocol]", self.config.protocol)
        return make(config=self.config, server_state=self.server_state, app_state={})

    async def _drain(self, sockets: Sequence[socket.socket]) -> None:
        """Accept no more connections, ask the open ones to end, and cancel the handlers that do not in time."""
        logger.info("Shutting down")
        for server in self.servers:
            server.close()
        for each in sockets:
            each.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(LOOK_INTERVAL)
        try:
            async with asyncio.timeout(self.config.shutdown_timeout):
                await self._wait_for_connections()
        except TimeoutError:
            tasks = self.server_state.tasks()
            logger.error("Cancel %d running task(s), timeout graceful shutdown exceeded", len(tasks))
            for task in tasks:
                task.cancel("the server stops")

    async def _wait_for_connections(self) -> None:
        state = self.server_state
        for waited, name in (
            (state.connections, "connections to close"),
            (state.requests, "background tasks to complete"),
        ):
            if waited and not self.force_exit:
                logger.info("Waiting for %s. (CTRL+C to force quit)", name)
            while waited and not self.force_exit:  # noqa: ASYNC110 - they notify nobody when they change
                await asyncio.sleep(LOOK_INTERVAL)
        for server in self.servers:
            await server.wait_closed()

    async def _run(self, function: Callable[[], Awaitable[None]], event: str, seconds: float | None = None) -> bool:
        """Run functions of the application in this task, and return whether they succeeded."""
        deadline = asyncio.timeout(seconds)
        has_ended = False
        try:
            with self._interrupted():
                async with deadline:
                    await function()
                has_ended = True
            if not has_ended:
                logger.warning("a signal ended the functions of %s", event)
        except Exception as error:
            if deadline.expired():
                logger.error("the functions of %s did not end within %g s", event, seconds)
            elif isinstance(error, (BrokerUnavailable, ConfigurationError)):
                # The message is sufficient: a traceback would hide it.
                logger.error("%s: %s", type(error).__name__, error)
            else:
                logger.exception("a function of %s failed", event)
        return has_ended

    @contextlib.contextmanager
    def _interrupted(self) -> Generator[None, None, None]:
        """Interrupt the block when a signal demands it."""
        task = self._interruptible = asyncio.current_task()
        assert task is not None
        try:
            yield
        except asyncio.CancelledError:
            if not self.should_exit:
                raise
            task.uncancel()
        finally:
            self._interruptible = None

    def _interrupt(self) -> None:
        if self._interruptible is not None:
            self._interruptible.cancel()

    async def _end_handlers(self) -> None:
        """Wait for the cancelled handlers, and log those that do not end."""
        tasks = {task for task in self.server_state.tasks() if not task.done()}
        if self.force_exit:
            for task in tasks:
                task.cancel()
        if not tasks:
            return
        seconds = self.config.cancel_timeout
        _, stuck = await asyncio.wait(tasks, timeout=seconds)
        for task in stuck:
            logger.error("left running: %s: it was cancelled and has not ended for %g s", describe_task(task), seconds)

    async def _cancel_others(self) -> None:
        """Cancel the remaining tasks of the application, as `asyncio.run` does, and wait for them, but not forever."""
        others = asyncio.all_tasks() - {asyncio.current_task()} - self.server_state.tasks()
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=self.config.cancel_timeout)

    def _stop_softly(self) -> None:
        """Begin to stop as at the first signal; a server that stops already goes on with that."""
        if not self.should_exit:
            self.handle_exit(signal.SIGTERM, None)

    def _limit_stop(self) -> None:
        """End the process when all its deadlines are over, even if a handler blocks its event loop."""
        if self._owns_process:
            limit_exit(self.config.stop_timeout + EXIT_MARGIN)


def _run_past_exits(loop: asyncio.AbstractEventLoop, serving: asyncio.Task[None]) -> None:
    """Run the server to its end, even if a task of the application calls `sys.exit()`.

    A task that raises `SystemExit` lets the loop raise it too, which would end the service for all clients. The loop
    continues where it stopped. The task has its exception, as after any other.
    """
    while True:
        try:
            return loop.run_until_complete(serving)
        except SystemExit as error:
            if serving.done():
                raise
            logger.error("a task or callback of the application called sys.exit(%r): only that has ended", error.code)
