"""Which processor cores the server and the load generator run on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Placement:
    """The cores of the two sides; None where nothing is pinned.

    Attributes:
        server: core of the server.
        generator: core of the load generator.
        note: one sentence about it for the report.
        cores: all cores that may be used, for servers with several processes.
    """

    server: int | None
    generator: int | None
    note: str
    cores: tuple[int, ...] = ()

    def server_cores(self, workers: int) -> set[int] | None:
        """Return the cores for so many server processes; None where nothing is pinned.

        One has a core to itself. More have one each and leave the generator its own, if there are as many; else they
        share all there are with it.
        """
        if self.server is None or self.generator is None:
            return None
        apart = [core for core in self.cores if core != self.generator]
        if workers == 1:
            return {self.server}
        return set(apart[:workers]) if len(apart) >= workers else set(self.cores)

    def generator_cores(self, workers: int) -> set[int] | None:
        """Return the cores for the load generator beside so many server processes; None where nothing is pinned."""
        if self.generator is None:
            return None
        shared = workers > 1 and len(self.cores) - 1 < workers
        return set(self.cores) if shared else {self.generator}


def choose_cores(allowed: Collection[int], siblings_of: Callable[[int], Collection[int]]) -> Placement:
    """Give the server and the generator a core each, on different physical cores where possible.

    Arguments:
        allowed: logical cores that this process may use.
        siblings_of: logical cores that share a physical core with the given one, with or without itself.
    """
    cores = sorted(allowed)
    if len(cores) < 2:
        return Placement(None, None, "One core only: server and load generator share it, so the rates are far too low.")
    server, others = cores[0], cores[1:]
    apart = [core for core in others if core not in siblings_of(server)]
    if apart:
        return Placement(
            server, apart[0], f"Server pinned to core {server}, load generator to core {apart[0]}.", tuple(cores)
        )
    return Placement(
        server,
        others[0],
        f"Server pinned to core {server}, load generator to core {others[0]}; both are one physical core, "
        "so each slows the other down.",
        tuple(cores),
    )


def current_placement() -> Placement:
    """Choose cores on this machine."""
    if sys.platform != "linux":
        return Placement(None, None, f"Nothing is pinned: {sys.platform} has no os.sched_setaffinity.")
    return choose_cores(os.sched_getaffinity(0), _siblings)


@contextmanager
def pinned(cores: Collection[int] | None) -> Iterator[None]:
    """Run the body on some cores. A process started within stays there, with all its threads and children.

    Arguments:
        cores: logical cores; None leaves everything as it is.
    """
    if cores is None or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(cores))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def parse_core_list(text: str) -> set[int]:
    """Parse a list of cores as the kernel writes it: `0-1,4`."""
    cores: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        cores.update(range(int(first), int(last or first) + 1))
    return cores


def _siblings(core: int) -> set[int]:
    try:
        return parse_core_list(
            Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text("ascii")
        )
    except OSError:
        return set()
