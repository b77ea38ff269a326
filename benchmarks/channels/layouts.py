"""How the servers are laid out: one process, two workers of one server, two nodes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.channels.brokers import BROKERS
from benchmarks.channels.plan import ChannelPlan
from benchmarks.machine import Placement
from benchmarks.server_options import ServerOptions
from benchmarks.server_process import emmett_command, free_port, running_server
from benchmarks.stage import Timing

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
        broker: the process of what connects them; None for the memory of the server.
    """

    ports: tuple[int, ...]
    pids: tuple[int, ...]
    broker: int | None = None

    def plan(self, timing: Timing, **fields: Any) -> ChannelPlan:
        """Return a plan for a load on them, with more of its fields."""
        return ChannelPlan(ports=self.ports, servers=self.pids, broker=self.broker, **asdict(timing), **fields)


@contextmanager
def serving(layout: str, broker: str, placement: Placement, connections: int = 0) -> Iterator[RunningServers]:
    """Run the servers of a layout and a broker for the time of the body.

    Arguments:
        layout: a key of `LAYOUTS`.
        broker: a key of `BROKERS`.
        placement: their cores.
        connections: how many will be open at once.

    Raises:
        ServerFailed: one did not start, or ended too early.
    """
    laid_out = LAYOUTS[layout]
    with ExitStack() as stack:
        running = stack.enter_context(BROKERS[broker]())
        cores = placement.server_cores(laid_out.processes)
        ports, pids = [], []
        for _ in range(laid_out.servers):
            options = ServerOptions(HOST, free_port(HOST), workers=laid_out.workers, connections=connections)
            command = emmett_command(APP, options, running.url)
            pids.append(stack.enter_context(running_server(command, options, cores=cores, isolated=False)).pid)
            ports.append(options.port)
        yield RunningServers(tuple(ports), tuple(pids), running.pid)
