"""`Reloader`: a server process that is replaced after each change of a file."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from watchfiles import PythonFilter, watch

from .backoff import Backoff
from .child import Child
from .listeners import Listeners
from .server_config import ServerConfig
from .signal_inbox import HANG_UP, STOP_SIGNALS, SignalInbox

logger = logging.getLogger("uvicorn.error")
# watchfiles would log each change too, before emmett does.
logging.getLogger("watchfiles").setLevel(logging.WARNING)

# Milliseconds between two checks of the server process.
LOOK_INTERVAL = 200


class Reloader:
    """Serves from a separate process, which is replaced when a Python file changes.

    Clients wait during the replacement. If the new process cannot start, they are refused, since nothing would answer.

    Arguments:
        config: the configuration of the server, with the folders to watch.
        listeners: the sockets to listen on.
        start: starts a process.
        clock: the time in seconds.
    """

    def __init__(
        self,
        config: ServerConfig,
        listeners: Listeners,
        start: Callable[[ServerConfig, Sequence[socket.socket]], Child] = Child,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._listeners = listeners
        self._start_child = start
        self._clock = clock
        self._child: Child | None = None
        self._backoff = Backoff()
        self._start_at: float | None = None

    def run(self) -> None:
        """Serve until a signal arrives."""
        changes = watch(
            *self._config.reload_dirs,
            watch_filter=PythonFilter(),
            rust_timeout=LOOK_INTERVAL,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        with SignalInbox((*STOP_SIGNALS, HANG_UP)) as signals:
            self.start()
            for changed in changes:
                if signals.take():
                    break
                if changed:
                    names = ", ".join(sorted({_shown(Path(path)) for _, path in changed}))
                    logger.warning("detected changes in %s. Reloading...", names)
                    self._backoff = Backoff()
                    self.start()
                else:
                    self.look()
            self.stop()

    def start(self) -> None:
        """Start a process in place of the current one."""
        self.stop()
        self._start_at = None
        try:
            self._listeners.open()
        except OSError as error:
            logger.error("cannot listen: %s; waiting for a change", error)
            return
        self._child = self._start_child(self._config, self._listeners.sockets)

    def look(self) -> None:
        """Check the process, and start another one if it died while serving."""
        child = self._child
        if child is None:
            if self._start_at is not None and self._start_at <= self._clock():
                self.start()
            return
        child.look()
        if child.is_alive:
            return
        self._child = None
        self._listeners.close()
        if child.serves:
            pause = self._backoff.fail(self._clock())
            self._start_at = self._clock() + pause
            again = f"starting another one in {pause:g} s" if pause else "starting another one"
            logger.error("the server process %s; %s", child.end, again)
        else:
            logger.error("the server process %s before it served; waiting for a change", child.end)

    def stop(self) -> None:
        """End the process, if there is one."""
        child, self._child = self._child, None
        if child is None:
            return
        child.look()
        child.terminate()
        if not child.join(child.stop_timeout):
            logger.warning("killing the server process, which has not ended")
            child.kill()
            child.join()


def _shown(path: Path) -> str:
    here = Path.cwd()
    return f"'{path.relative_to(here) if path.is_relative_to(here) else path}'"
