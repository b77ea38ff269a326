"""The coefficients of the model, measured; and loads of other sizes, for which the model must say what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from benchmarks.capacity.model import Bounds, Coefficients, Workload, predict
from benchmarks.channels.measure import measure_process
from benchmarks.channels.plan import ChannelResult
from benchmarks.machine import Placement
from benchmarks.markdown import table
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
# What a million people need, in three ways to use the same thing.
MILLION = 1_000_000
EXAMPLES = {
    "rooms of 50, each with a message in 10 s": Workload(MILLION, MILLION / 50 / 10, 50),
    "rooms of 1,000, each with a message a second": Workload(MILLION, MILLION / 1000, 1000),
    "a message to all, once in 10 s": Workload(MILLION, 0.1, MILLION),
}
CHECKS = (
    *("subscribers", "publications/s", "MB, model", "MB, measured", "difference"),
    *("busy, model", "busy, measured", "difference"),
)
NEEDS = ("use", "processes", "limit", "busy", "GB in all", "deliveries/s", "broker in/s", "broker out/s")


def coefficients(few: Sequence[ChannelResult], many: Sequence[ChannelResult]) -> Coefficients:
    """Return the coefficients that measurements with `FEW` and with `MANY` subscribers tell, of several rounds each.

    Raises:
        ValueError: the figures contradict each other: too much else was going on.
    """
    # Per publication each took `publication + subscribers * delivery`.
    at_few = median(result.server_cpu / result.deliveries * FEW for result in few)
    at_many = median(result.server_cpu / result.deliveries * MANY for result in many)
    delivery = (at_many - at_few) / (MANY - FEW)
    return Coefficients(
        process_bytes=median(result.memory["empty"] for result in few),
        subscriber_bytes=median((result.memory["full"] - result.memory["empty"]) / MANY for result in many),
        kernel_bytes=max(0.0, median(_kernel_bytes(result) / MANY for result in many)),
        delivery_seconds=delivery,
        publication_seconds=max(0.0, at_few - FEW * delivery),
        broker_seconds=median((result.broker_cpu or 0.0) / result.deliveries * FEW for result in few),
    )


def _kernel_bytes(result: ChannelResult) -> float:
    # Of both ends of each connection, which are on one machine here.
    return (result.memory["kernel_full"] - result.memory["kernel_empty"]) / 2


def coefficients_text(found: Coefficients) -> str:
    """Return a table of the coefficients."""
    rows = [
        ("a server process without connections", f"{found.process_bytes / 1e6:.1f} MB"),
        ("a connection with a subscription, in its process", f"{found.subscriber_bytes / 1e3:.2f} kB"),
        ("a connection, in the kernel, the server's end", f"{found.kernel_bytes / 1e3:.2f} kB"),
        ("a delivery, when no other publication is near", f"{found.delivery_seconds * 1e6:.2f} µs"),
        ("a publication in a process that publishes and receives it", f"{found.publication_seconds * 1e6:.0f} µs"),
        ("a publication in the broker (Valkey, no history)", f"{found.broker_seconds * 1e6:.0f} µs"),
    ]
    return table(("what", "measured"), rows, left=1)


def check(found: Coefficients, subscribers: int, pace: float, results: Sequence[ChannelResult]) -> list[str]:
    """Compare measurements of one size with what the model says of it; return cells under `CHECKS`."""
    bounds = Bounds(connections=subscribers, memory_bytes=1e12, cpu_share=1.0)
    said = predict(found, Workload(subscribers, pace, subscribers), bounds)
    busy = median(result.server_cpu / result.seconds for result in results)
    memory = median(result.memory["full"] + max(0, _kernel_bytes(result)) for result in results)
    return [
        *(f"{subscribers:,}", f"{pace:g}", f"{said.process_bytes / 1e6:.1f}", f"{memory / 1e6:.1f}"),
        *(f"{memory / said.process_bytes - 1:+.0%}", f"{said.cpu_share:.1%}", f"{busy:.1%}"),
        f"{busy / said.cpu_share - 1:+.0%}",
    ]


def examples_text(found: Coefficients, bounds: Bounds) -> str:
    """Return a table of what a million connections need."""
    rows = []
    for name, workload in EXAMPLES.items():
        try:
            needed = predict(found, workload, bounds)
        except ValueError as error:
            rows.append([name, str(error), *[""] * 6])
            continue
        memory, share = f"{needed.total_bytes / 1e9:.1f}", f"{needed.cpu_share:.0%}"
        cells = [f"{needed.deliveries:,.0f}", f"{needed.broker_in:,.1f}", f"{needed.broker_out:,.0f}"]
        rows.append([name, f"{needed.processes:,}", needed.limit, share, memory, *cells])
    return table(NEEDS, rows, left=1)


def measure(
    rounds: int, subscribers: int, timing: Timing, placement: Placement, say: Callable[[str], object]
) -> tuple[str, dict[str, Any]]:
    """Measure the coefficients and the sizes for which they must hold, up to so many subscribers.

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
    text = "\n\n".join(
        (
            f"Coefficients, from {FEW} and {MANY:,} subscribers:",
            coefficients_text(found),
            "Predictions of the model and measurements for other sizes, on one channel in one process:",
            table(CHECKS, [check(found, size, loads[size], results[size]) for size in sizes], left=0),
            "What a million connections need, according to the model:",
            examples_text(found, Bounds()),
        )
    )
    samples = {str(size): [asdict(result) for result in taken] for size, taken in results.items()}
    return text, {"coefficients": asdict(found), "samples": samples}
