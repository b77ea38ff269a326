"""uvicorn's server, with deadlines for start-up and shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Generator
from types import FrameType
from typing import cast

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from ..errors import BrokerUnavailable, ConfigurationError
from ..logs import enable_loggers
from .exit_limit import EXIT_MARGIN, cancel_exit_limit, limit_exit
from .heap import keep_freed_memory
from .listeners import Listeners
from .listening import listen
from .task_names import describe_task
from .uvicorn_config import ServerConfig

logger = logging.getLogger("uvicorn.error")

# A closing terminal sends it. It stops the server like the other two; under `nohup` the process ignores it.
HANG_UP = getattr(signal, "SIGHUP", None)


class Server(uvicorn.Server):
    """uvicorn's server, with deadlines for start-up and shutdown.

    The first signal stops the server, and the process ends with status 0. A second signal ends it at once: handlers are
    cancelled, and the functions of on_shutdown do not run. No application can keep it running past its deadlines.

    Arguments:
        config: the configuration.
        on_ready: called when the server accepts connections.
        on_stopping: called when it begins to stop.
    """

    config: ServerConfig

    def __init__(
        self,
        config: ServerConfig,
        on_ready: Callable[[], None] = lambda: None,
        on_stopping: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
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
        loop = (self.config.get_loop_factory() or asyncio.new_event_loop)()
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain the connections, end the handlers and run the functions of on_shutdown, each within its deadline."""
        self._on_stopping()
        self.config.application.table.is_draining = True
        if not self.force_exit:
            with self._interrupted():
                await asyncio.sleep(self.config.drain_delay)
        with self._interrupted():
            await super().shutdown(sockets)
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
        super().handle_exit(sig, frame)
        task = self._interruptible
        if task is not None and (self.force_exit or not self.started):
            task.get_loop().call_soon_threadsafe(self._interrupt)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Handle the signals until the server has stopped."""
        with super().capture_signals(), self._capture_hang_up():
            yield
            # uvicorn raises them again at the end, so that the process would end as if the signal had killed it.
            self._captured_signals.clear()

    @contextlib.contextmanager
    def _capture_hang_up(self) -> Generator[None, None, None]:
        if (
            HANG_UP is None
            or threading.current_thread() is not threading.main_thread()
            or signal.getsignal(HANG_UP) is signal.SIG_IGN
        ):
            yield
            return
        before = signal.signal(HANG_UP, self.handle_exit)
        try:
            yield
        finally:
            signal.signal(HANG_UP, before)

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
        make = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

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
        tasks = {task for task in self.server_state.tasks if not task.done()}
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
        others = asyncio.all_tasks() - {asyncio.current_task()} - self.server_state.tasks
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
