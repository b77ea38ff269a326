"""What runs: a broker, of the wheels that the tests use too; and one process, two workers, or two nodes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.channels.plan import ChannelPlan
from benchmarks.machine import Placement
from benchmarks.server_options import ServerOptions
from benchmarks.server_process import HOST, emmett_command, free_port, running_server
from benchmarks.stage import Timing
from tests.nats import running_nats
from tests.valkey import running_valkey

APP = Path(__file__).with_name("app.py")
BROKERS = ("memory", "valkey", "nats")


@dataclass(frozen=True, slots=True)
class Layout:
    """So many servers, on ports of their own, with so many worker processes each."""

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
def running_broker(name: str) -> Iterator[tuple[str, int | None]]:
    """Run a broker for the time of the body.

    Returns:
        What EMMETT_BROKER is to say, and its process; None for the one in the memory of the server.
    """
    if name == "memory":
        yield name, None
        return
    with running_nats() if name == "nats" else running_valkey(free_port(HOST)) as broker:
        yield broker.url, broker.process_id


@contextmanager
def serving(layout: str, broker: str, placement: Placement, connections: int = 0) -> Iterator[RunningServers]:
    """Run the servers of a layout and a broker for the time of the body.

    Arguments:
        connections: how many will be open at once.

    Raises:
        ServerFailed: one did not start, or ended too early.
    """
    laid_out = LAYOUTS[layout]
    with ExitStack() as stack:
        url, broker_pid = stack.enter_context(running_broker(broker))
        cores = placement.server_cores(laid_out.processes)
        ports, pids = [], []
        for _ in range(laid_out.servers):
            options = ServerOptions(HOST, free_port(HOST), workers=laid_out.workers, connections=connections)
            command = emmett_command(APP, options, url)
            pids.append(stack.enter_context(running_server(command, options, cores=cores, isolated=False)).pid)
            ports.append(options.port)
        yield RunningServers(tuple(ports), tuple(pids), broker_pid)
