"""Starts a contestant's server, waits until it takes connections, and ends it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.environments import ROOT
from benchmarks.handshake import HandshakeRefused
from benchmarks.machine import cpu_seconds, pinned
from benchmarks.plan import LoadFailed
from benchmarks.server_options import ServerOptions

HOST = "127.0.0.1"
START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0
OUTPUT_SHOWN = 2000
POLL_INTERVAL = 0.001
# Workers are up when the process tree has been idle at so many looks.
LOOK_INTERVAL = 0.25
QUIET_LOOKS = 3
# What leads Python to another environment's packages must not reach a peer.
FOREIGN_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its process id, and where it writes."""

    pid: int
    output: IO[bytes]

    def tail(self) -> str:
        """Return the end of what it has written so far."""
        # Not through the file object: its position belongs to the server, which is writing at it.
        size = os.fstat(self.output.fileno()).st_size
        length = min(size, OUTPUT_SHOWN)
        return os.pread(self.output.fileno(), length, size - length).decode("utf-8", "replace").strip()


class ServerFailed(Exception):
    """A server did not start, or ended while it was measured; the message holds the end of its output."""


def free_port(host: str) -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def emmett_command(app: Path, options: ServerOptions, broker: str = "memory") -> list[str]:
    """Return the command that serves an application with this project."""
    return [
        *("env", f"EMMETT_BROKER={broker}", f"PYTHONPATH={ROOT / 'src'}"),
        *(sys.executable, "-m", "emmett", "-a", str(app), "serve", "--host", options.host, "--port", str(options.port)),
        *("--no-access-log", "--log-level", "error", "--workers", str(options.workers)),
    ]


def server_environment(options: ServerOptions, *, isolated: bool) -> dict[str, str]:
    """Return the environment variables of a server; one that is isolated gets no Python paths of this process."""
    kept = {name: value for name, value in os.environ.items() if not (isolated and name in FOREIGN_VARIABLES)}
    # A server that compiles its modules at each start cannot be compared with one that pip has compiled.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | options.environment()


@contextmanager
def running_server(
    command: list[str],
    options: ServerOptions,
    *,
    cores: Collection[int] | None,
    isolated: bool,
    ask: Callable[[ServerOptions], None] | None = None,
) -> Iterator[Server]:
    """Run a server for the time of the body, on cores of its own.

    Arguments:
        options: what was asked of it, also where it listens.
        cores: logical cores to pin it to; None for any.
        isolated: keep this process's Python paths from it.
        ask: asks the server for something and raises OSError while it is not ready; it just connects by default.

    Raises:
        ServerFailed: it was not ready within 30 seconds, answered wrongly, or was gone when the body ended.
    """
    environment = server_environment(options, isolated=isolated)
    with tempfile.TemporaryFile() as output:
        with pinned(cores):
            # In a session of its own, so that `stop` ends all its processes.
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            server = Server(process.pid, output)
            _wait_until_ready(process, server, lambda: (ask or _connect)(options))
            if options.workers > 1:
                _wait_until_idle(process)
            yield server
            if process.poll() is not None:
                raise ServerFailed(f"the server ended with status {process.returncode}:\n{server.tail()}")
        finally:
            stop(process)


def _connect(options: ServerOptions) -> None:
    socket.create_connection((options.host, options.port), timeout=1).close()


def _wait_until_ready(process: subprocess.Popen[bytes], server: Server, ask: Callable[[], None]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailed(f"the server ended with status {process.returncode} at once:\n{server.tail()}")
        try:
            ask()
        except OSError:
            time.sleep(POLL_INTERVAL)
        except (LoadFailed, HandshakeRefused) as error:
            raise ServerFailed(f"{error}\nThe server wrote: {server.tail() or 'nothing'}") from error
        else:
            return
    raise ServerFailed(f"the server took no connection within {START_TIMEOUT:.0f} s:\n{server.tail()}")


def _wait_until_idle(process: subprocess.Popen[bytes]) -> None:
    """Wait until all workers are up: the first that listens would get the connections of the others."""
    deadline = time.monotonic() + START_TIMEOUT
    before, quiet = cpu_seconds(process.pid), 0
    while before is not None and quiet < QUIET_LOOKS and time.monotonic() < deadline:
        time.sleep(LOOK_INTERVAL)
        now = cpu_seconds(process.pid)
        quiet = quiet + 1 if now is not None and now - before < LOOK_INTERVAL / 10 else 0
        before = now


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server that leads a session of its own, with all its processes."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT)
    # Workers that outlived their parent are in its process group, which is of our making.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
