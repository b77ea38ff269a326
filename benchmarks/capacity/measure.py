"""The coefficients of the model, measured; and loads of other sizes, for which the model must say what comes out."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.capacity.model import Bounds, Check, Coefficients, Workload, predict
from benchmarks.capacity.report import checks_text, coefficients_text, examples_text
from benchmarks.channels.measure import measure_process
from benchmarks.channels.plan import ChannelResult
from benchmarks.machine import Placement
from benchmarks.stage import Timing

BROKER = "valkey"
# Few subscribers tell what a publication costs, many what a delivery does: as many as fill a process, since each takes
# longer among more.
FEW, MANY = 16, 8000
FEW_PACE = 400.0
# Deliveries a second at which is measured: far from what a process can do.
DELIVERIES = 30_000.0
# The sizes for which the model is checked.
SIZES = (1000, 5000, 10_000)

Say = Callable[[str], object]


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


def measure(
    rounds: int, subscribers: int, timing: Timing, placement: Placement, say: Say
) -> tuple[str, dict[str, Any]]:
    """Measure the coefficients and the sizes for which they must hold.

    Arguments:
        subscribers: the largest of these sizes.
        say: called with what is being done.

    Returns:
        The tables, and all that was measured.
    """
    sizes = [size for size in SIZES if size <= subscribers] or [subscribers]
    loads = {FEW: FEW_PACE, **{size: DELIVERIES / size for size in (MANY, *sizes)}}
    results: dict[int, list[ChannelResult]] = {size: [] for size in loads}
    for number in range(rounds):
        for size, pace in loads.items():
            say(f"round {number + 1} of {rounds}: {size} subscribers")
            results[size].append(measure_process(BROKER, size, timing, placement, room="plain:all", pace=pace))
    found = coefficients(results[FEW], results[MANY])
    checks = [check(found, size, loads[size], results[size]) for size in sizes]
    text = "\n\n".join(
        (
            f"Coefficients, from {FEW} and {MANY:,} subscribers:",
            coefficients_text(found),
            "Predictions of the model and measurements for other sizes, on one channel in one process:",
            checks_text(checks),
            "What a million connections need, according to the model:",
            examples_text(found, Bounds()),
        )
    )
    samples = {str(size): [asdict(result) for result in taken] for size, taken in results.items()}
    return text, {"coefficients": asdict(found), "samples": samples}
