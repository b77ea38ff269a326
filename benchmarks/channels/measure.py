"""One measurement of channels: servers of a layout, a broker, and a load on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.channels.layouts import LAYOUTS, serving
from benchmarks.channels.plan import ChannelPlan, ChannelResult
from benchmarks.machine import Placement
from benchmarks.plan import LoadFailed
from benchmarks.stage import Timing, allow_files, run_generator

# Publications a second at which delays are measured: far from what any broker here can do.
PACE = 200.0


@dataclass(frozen=True, slots=True)
class Case:
    """A broker, a layout, and whether the channel has a history, of 100 publications."""

    broker: str
    layout: str
    kept: bool

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.broker}, {LAYOUTS[self.layout].title}, {'with' if self.kept else 'without'} history"


@dataclass(frozen=True, slots=True)
class ChannelSample:
    """What one measurement of a case brought.

    Attributes:
        full: with as many publications as come back.
        paced: with `PACE` publications a second, and the delays of all deliveries.
    """

    full: ChannelResult
    paced: ChannelResult


def cases(brokers: Sequence[str], layouts: Sequence[str]) -> list[Case]:
    """Return all that can be measured: in memory there is one process only, several are refused."""
    return [
        Case(broker, layout, kept)
        for broker in brokers
        for layout in layouts
        for kept in (False, True)
        if broker != "memory" or LAYOUTS[layout].processes == 1
    ]


def refused(brokers: Sequence[str], layouts: Sequence[str]) -> list[str]:
    """Return what tables say of the combinations that `cases` leaves out."""
    titles = [LAYOUTS[layout].title for layout in layouts if LAYOUTS[layout].processes > 1]
    if "memory" not in brokers or not titles:
        return []
    return [f"Memory with {' or '.join(titles)} is refused by design: each process would have its own subscribers."]


def measure(case: Case, timing: Timing, subscribers: int, placement: Placement) -> ChannelSample:
    """Start broker and servers, and measure a case with so many subscribers, a quarter of which publish.

    Raises:
        LoadFailed: a delivery was missing, doubled or wrong, or a process got no subscriber.
        ServerFailed: a server did not start.
    """
    with serving(case.layout, case.broker, placement, subscribers) as servers:
        room = "kept" if case.kept else "plain"
        publishers = max(1, subscribers // 4)
        plan = servers.plan(timing, room=f"{room}:full", subscribers=subscribers, publishers=publishers)
        cores = placement.generator_cores(LAYOUTS[case.layout].processes)
        full = generate(plan, cores)
        sample = ChannelSample(full, generate(replace(plan, room=f"{room}:paced", pace=PACE), cores))
    check_processes(case, sample)
    return sample


def check_processes(case: Case, sample: ChannelSample) -> None:
    """Raise `LoadFailed` if a process had no subscribers: the kernel, which spreads them, promises nothing."""
    expected = LAYOUTS[case.layout].processes
    for result in (sample.full, sample.paced):
        if result.processes != expected:
            raise LoadFailed(f"subscribers were on {result.processes} processes: expected {expected}")


def measure_process(
    broker: str, subscribers: int, timing: Timing, placement: Placement, **fields: Any
) -> ChannelResult:
    """Measure one process with so many subscribers on one channel, up to 16 of which publish.

    Arguments:
        fields: of `ChannelPlan`: the room, and the pace of all publications.

    Raises:
        LoadFailed, ServerFailed: as `measure`.
    """
    allow_files(subscribers + 1)
    with serving("process", broker, placement, subscribers + 1) as servers:
        plan = servers.plan(timing, subscribers=subscribers, publishers=min(16, subscribers), **fields)
        return generate(plan, placement.generator_cores(1))


def generate(plan: ChannelPlan, cores: set[int] | None) -> ChannelResult:
    """Run the load generator in a process of its own."""
    return run_generator("benchmarks.channels.generator", plan, cores, ChannelResult)
