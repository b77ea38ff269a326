"""How the servers are laid out: one process, two workers of one server, two nodes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.channels.brokers import RunningBroker
from benchmarks.machine import Placement
from benchmarks.server_options import ServerOptions
from benchmarks.server_process import free_port, running_server

HOST = "127.0.0.1"
APP = Path(__file__).with_name("app.py")


@dataclass(frozen=True, slots=True)
class Layout:
    """How many servers, and of how many processes each.

    Attributes:
        title: what tables call it.
        servers: on ports of their own.
        workers: processes of each of them.
    """

    title: str
    servers: int
    workers: int

    @property
    def processes(self) -> int:
        """All processes that serve."""
        return self.servers * self.workers


LAYOUTS = {
    "process": Layout("one process", 1, 1),
    "workers": Layout("two workers", 1, 2),
    "nodes": Layout("two nodes", 2, 1),
}


@dataclass(frozen=True, slots=True)
class RunningServers:
    """Servers while they run.

    Attributes:
        ports: where they listen.
        pids: their processes; workers are children of theirs.
    """

    ports: tuple[int, ...]
    pids: tuple[int, ...]


@contextmanager
def serving(
    layout: Layout, broker: RunningBroker, placement: Placement, connections: int = 0
) -> Iterator[RunningServers]:
    """Run the servers of a layout for the time of the body.

    Arguments:
        broker: what connects them.
        placement: their cores.
        connections: how many will be open at once.

    Raises:
        ServerFailed: one did not start, or ended too early.
    """
    with ExitStack() as stack:
        ports, pids = [], []
        for _ in range(layout.servers):
            options = ServerOptions(HOST, free_port(HOST), workers=layout.workers, connections=connections)
            cores = placement.server_cores(layout.processes)
            server = stack.enter_context(
                running_server(_command(options, broker), options, cores=cores, isolated=False)
            )
            ports.append(options.port)
            pids.append(server.pid)
        yield RunningServers(tuple(ports), tuple(pids))


def _command(options: ServerOptions, broker: RunningBroker) -> list[str]:
    return [
        *("env", f"EMMETT_BROKER={broker.url}", f"PYTHONPATH={APP.parents[2] / 'src'}"),
        *(sys.executable, "-m", "emmett", "-a", str(APP), "serve", "--host", options.host, "--port", str(options.port)),
        *("--no-access-log", "--log-level", "error", "--workers", str(options.workers)),
    ]
