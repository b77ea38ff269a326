"""`Child`: a server process that a parent starts, and that ends with its parent."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Generator, Sequence
from multiprocessing.connection import Connection

from .exit_limit import EXIT_MARGIN, limit_exit
from .server_config import ServerConfig
from .serving import Server

# A new interpreter: the child inherits no imports, open files or threads of the parent.
_spawn = multiprocessing.get_context("spawn")


class Child:
    """A server process, from its start to its end.

    Arguments:
        config: the configuration of its server.
        sockets: the bound sockets that it listens on.

    Attributes:
        ready: becomes readable when the child serves or ends.
        serves: whether the child has reported that it serves.
        stop_timeout: seconds in which the child ends after `terminate`.
    """

    def __init__(self, config: ServerConfig, sockets: Sequence[socket.socket]) -> None:
        self.ready, sender = _spawn.Pipe(duplex=False)
        self.serves = False
        self.stop_timeout = EXIT_MARGIN
        self._process = _spawn.Process(target=_run_child, args=(config, list(sockets), sender, sys.stdin is not None))
        self._process.start()
        sender.close()

    @property
    def pid(self) -> int:
        """The process ID."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def sentinel(self) -> int:
        """A file descriptor that becomes readable when the process has ended."""
        return self._process.sentinel

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    @property
    def status(self) -> int | None:
        """The exit status; the negative number of the signal that killed the process; None while it runs."""
        return self._process.exitcode

    @property
    def end(self) -> str:
        """How the process ended, in words for the log."""
        if self.status is not None and self.status < 0:
            return f"was killed by {signal.Signals(-self.status).name}"
        return f"ended with status {self.status}"

    def look(self) -> None:
        """Process the child's reports."""
        with contextlib.suppress(EOFError, OSError):
            while not self.ready.closed and self.ready.poll():
                self.stop_timeout = self.ready.recv()
                self.serves = True
        if self.serves and not self.ready.closed:
            self.ready.close()

    def terminate(self) -> None:
        """Ask the process to stop."""
        self._process.terminate()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def join(self, seconds: float | None = None) -> bool:
        """Wait for the process to end, and return whether it has."""
        self._process.join(seconds)
        return not self._process.is_alive()


class ChildServer(Server):
    """The server in a child. Ctrl+C and a closed terminal reach both processes; only the parent acts on them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Handle SIGTERM, and ignore the signals meant for the parent."""
        with super().capture_signals():
            _ignore_terminal()
            yield


def _run_child(config: ServerConfig, sockets: list[socket.socket], ready: Connection, has_stdin: bool) -> None:
    _ignore_terminal()
    threading.Thread(target=_end_with_parent, args=(config,), daemon=True, name="parent watch").start()
    if has_stdin:
        # For debuggers: multiprocessing replaced stdin with os.devnull.
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as the process runs
    config.configure_logging()

    def say_ready() -> None:
        with contextlib.suppress(OSError):
            ready.send(config.stop_timeout + 2 * EXIT_MARGIN)

    has_started = ChildServer(config, say_ready).run_until_stopped(sockets)
    limit_exit()
    if not has_started:
        sys.exit(1)


def _ignore_terminal() -> None:
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _end_with_parent(config: ServerConfig) -> None:
    """Stop when the parent is gone, however it ended, because nothing else would stop this process."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    # The main thread may be blocked and never handle that signal.
    limit_exit(config.stop_timeout + 2 * EXIT_MARGIN)
