"""The coefficients of the model, measured; and loads of other sizes, for which the model must say what comes out."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.capacity.model import Bounds, Capacity, Coefficients, Workload, predict
from benchmarks.channels.brokers import BROKERS
from benchmarks.channels.layouts import LAYOUTS, serving
from benchmarks.channels.measure import Timing, run_generator
from benchmarks.channels.plan import ChannelPlan, ChannelResult
from benchmarks.placement import Placement
from benchmarks.stage import allow_files

BROKER = "valkey"
# Few subscribers tell what a publication costs, many what a delivery does: as many as fill a process, since each takes
# longer among more.
FEW, MANY = 16, 8000
FEW_PACE = 400.0
# Deliveries a second at which is measured: far from what a process can do.
DELIVERIES = 30_000.0


@dataclass(frozen=True, slots=True)
class Check:
    """A size for which the model is held to account.

    Attributes:
        subscribers: on one channel, in one process.
        pace: publications a second.
        predicted: what the model says, from the coefficients of other sizes.
        busy: the share of a core that the server was busy.
        memory: bytes of the server and the kernel's part.
    """

    subscribers: int
    pace: float
    predicted: Capacity
    busy: float
    memory: float


def run(subscribers: int, pace: float, timing: Timing, placement: Placement, broker: str = BROKER) -> ChannelResult:
    """Measure one process with so many subscribers on one channel.

    Arguments:
        pace: publications a second.

    Raises:
        LoadFailed, ServerFailed: as `channels.measure.measure`.
    """
    layout = LAYOUTS["process"]
    allow_files(subscribers)
    with BROKERS[broker]() as running, serving(layout, running, placement, subscribers) as servers:
        plan = ChannelPlan(
            ports=servers.ports,
            servers=servers.pids,
            broker=running.pid,
            room="plain:all",
            subscribers=subscribers,
            publishers=min(16, subscribers),
            pace=pace,
            warm_up=timing.warm_up,
            seconds=timing.seconds,
        )
        return run_generator(plan, placement.generator_cores(1))


def coefficients(few: Sequence[ChannelResult], many: Sequence[ChannelResult]) -> Coefficients:
    """Return the coefficients that measurements with `FEW` and with `MANY` subscribers tell, of several rounds each.

    Raises:
        ValueError: the figures contradict each other: too much else was going on.
    """
    # Per publication each took `publication + subscribers * delivery`.
    at_few = statistics.median(result.server_cpu / result.deliveries * FEW for result in few)
    at_many = statistics.median(result.server_cpu / result.deliveries * MANY for result in many)
    delivery = (at_many - at_few) / (MANY - FEW)
    return Coefficients(
        process_bytes=statistics.median(result.memory["empty"] for result in few),
        subscriber_bytes=statistics.median((r.memory["full"] - r.memory["empty"]) / MANY for r in many),
        # Of both ends of each connection, which are on one machine here.
        kernel_bytes=max(
            0.0, statistics.median((r.memory["kernel_full"] - r.memory["kernel_empty"]) / MANY / 2 for r in many)
        ),
        delivery_seconds=delivery,
        publication_seconds=max(0.0, at_few - FEW * delivery),
        broker_seconds=statistics.median((r.broker_cpu or 0.0) / r.deliveries * FEW for r in few),
    )


def check(found: Coefficients, subscribers: int, pace: float, results: Sequence[ChannelResult]) -> Check:
    """Compare measurements of one size with what the model says of it."""
    workload = Workload(subscribers, pace, subscribers)
    bounds = Bounds(connections=subscribers, memory_bytes=1e12, cpu_share=1.0)
    return Check(
        subscribers,
        pace,
        predict(found, workload, bounds),
        statistics.median(result.server_cpu / result.seconds for result in results),
        statistics.median(
            r.memory["full"] + max(0, r.memory["kernel_full"] - r.memory["kernel_empty"]) / 2 for r in results
        ),
    )
