"""The model and what holds it to account, in tables for the terminal and for a page."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.capacity.model import Bounds, Capacity, Check, Coefficients, Workload, predict
from benchmarks.markdown import table

# What a million people need, in three ways to use the same thing.
MILLION = 1_000_000
EXAMPLES = (
    ("rooms of 50, each with a message in 10 s", Workload(MILLION, MILLION / 50 / 10, 50)),
    ("rooms of 1,000, each with a message a second", Workload(MILLION, MILLION / 1000, 1000)),
    ("a message to all, once in 10 s", Workload(MILLION, 0.1, MILLION)),
)


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


def checks_text(checks: Sequence[Check]) -> str:
    """Return a table of what the model said and what was measured."""
    rows = []
    for one in checks:
        said = one.predicted
        rows.append(
            [
                f"{one.subscribers:,}",
                f"{one.pace:g}",
                f"{said.process_bytes / 1e6:.1f}",
                f"{one.memory / 1e6:.1f}",
                f"{one.memory / said.process_bytes - 1:+.0%}",
                f"{said.cpu_share:.1%}",
                f"{one.busy:.1%}",
                f"{one.busy / said.cpu_share - 1:+.0%}",
            ]
        )
    headings = (
        *("subscribers", "publications/s", "MB, model", "MB, measured", "difference"),
        *("busy, model", "busy, measured", "difference"),
    )
    return table(headings, rows, left=0)


def examples_text(found: Coefficients, bounds: Bounds) -> str:
    """Return a table of what a million connections need."""
    rows = []
    for name, workload in EXAMPLES:
        try:
            needed = predict(found, workload, bounds)
        except ValueError as error:
            rows.append([name, str(error), *[""] * 6])
            continue
        rows.append([name, *_cells(needed)])
    headings = ("use", "processes", "limit", "busy", "GB in all", "deliveries/s", "broker in/s", "broker out/s")
    return table(headings, rows, left=1)


def _cells(needed: Capacity) -> list[str]:
    return [
        f"{needed.processes:,}",
        needed.limit,
        f"{needed.cpu_share:.0%}",
        f"{needed.total_bytes / 1e9:.1f}",
        f"{needed.deliveries:,.0f}",
        f"{needed.broker_in:,.1f}",
        f"{needed.broker_out:,.0f}",
    ]
