"""What several rounds say about channels, as a table for the terminal and for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.channels.layouts import LAYOUTS
from benchmarks.channels.measure import PACE, Case, ChannelSample
from benchmarks.markdown import bullets, format_share, table
from benchmarks.notes import GENERATOR_LIMIT

NAMES = ("broker", "servers", "history")
HEADINGS = (
    *(*NAMES, "publications/s", "deliveries/s"),
    *("CPU µs/delivery", "broker CPU µs/publication", "generator busy"),
)
KINDS = {"all": "all", "near": "same process", "far": "other process"}
DELAY_HEADINGS = (*NAMES, *(f"{figure} ms, {kind}" for kind in KINDS.values() for figure in ("p50", "p99", "max")))


def row(case: Case, samples: Sequence[ChannelSample], subscribers: int) -> list[str]:
    """Return cells under `HEADINGS`: medians of the rounds, and for the rate the lowest and highest one."""
    full = [sample.full for sample in samples]
    rates = [result.deliveries / result.seconds for result in full]
    published = [rate / subscribers for rate in rates]
    busy = median(result.generator_cpu / result.seconds for result in full)
    broker = [r.broker_cpu / r.deliveries * subscribers for r in full if r.broker_cpu is not None]
    return [
        *_names(case),
        f"{median(published):,.0f} ({min(published):,.0f} - {max(published):,.0f})",
        f"{median(rates):,.0f}",
        f"{median(result.server_cpu / result.deliveries for result in full) * 1e6:.2f}",
        f"{median(broker) * 1e6:.1f}" if broker else "-",
        format_share(busy) + (" (!)" if busy > GENERATOR_LIMIT else ""),
    ]


def delay_row(case: Case, samples: Sequence[ChannelSample]) -> list[str]:
    """Return cells under `DELAY_HEADINGS`: medians of the rounds, and the longest of all of them."""
    cells = _names(case)
    for kind in KINDS:
        found = [sample.paced.delays[kind] for sample in samples if kind in sample.paced.delays]
        if not found:
            cells += "---"
            continue
        figures = (median(d.p50 for d in found), median(d.p99 for d in found), max(d.most for d in found))
        cells += [f"{seconds * 1e3:.2f}" for seconds in figures]
    return cells


def _names(case: Case) -> list[str]:
    return [case.broker, LAYOUTS[case.layout].title, "100" if case.kept else "-"]


def text(samples: Mapping[Case, Sequence[ChannelSample]], subscribers: int, notes: Sequence[str]) -> str:
    """Return all that a run has to say, in Markdown, the notes first."""
    notes = [
        *notes,
        f"{subscribers} subscribers on one channel, a quarter of them publish, 64 bytes each.",
        "Publications, deliveries and CPU time: with 16 publications in flight for each publisher, which writes the "
        "next one when it has received its own.",
        f"p50, p99 and max: the time from writing a publication to receiving it, at {PACE:g} publications per second; "
        "of all deliveries, of those in the process of the publisher, and of those in another process.",
    ]
    taken = {case: rounds for case, rounds in samples.items() if rounds}
    return "\n\n".join(
        (
            bullets(notes),
            table(HEADINGS, [row(case, rounds, subscribers) for case, rounds in taken.items()], left=3),
            table(DELAY_HEADINGS, [delay_row(case, rounds) for case, rounds in taken.items()], left=3),
        )
    )
