"""What several rounds say about channels, as a table for the terminal and for a page."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

from benchmarks.channels.layouts import LAYOUTS
from benchmarks.channels.measure import PACE, Case, Sample
from benchmarks.markdown import format_share, table
from benchmarks.notes import GENERATOR_LIMIT

HEADINGS = (
    "broker",
    "servers",
    "history",
    "publications/s",
    "deliveries/s",
    "CPU µs/delivery",
    "broker CPU µs/publication",
    "generator busy",
)
KINDS = {"all": "all", "near": "same process", "far": "other process"}
DELAY_HEADINGS = (
    "broker",
    "servers",
    "history",
    *(f"{figure} ms, {kind}" for kind in KINDS.values() for figure in ("p50", "p99", "max")),
)


def rows(samples: Mapping[Case, Sequence[Sample]], subscribers: int) -> list[list[str]]:
    """Return a row of cells a case, under `HEADINGS`: medians, and for the rate the lowest and highest round.

    Arguments:
        samples: of each case those of all rounds.
        subscribers: how many there were.
    """
    return [_row(case, taken, subscribers) for case, taken in samples.items() if taken]


def _row(case: Case, samples: Sequence[Sample], subscribers: int) -> list[str]:
    busy = statistics.median(sample.full.generator_cpu / sample.full.seconds for sample in samples)
    rates = [sample.full.deliveries / sample.full.seconds for sample in samples]
    return [
        *_names(case),
        spread([rate / subscribers for rate in rates]),
        f"{statistics.median(rates):,.0f}",
        f"{statistics.median(s.full.server_cpu / s.full.deliveries for s in samples) * 1e6:.2f}",
        _broker_cost(samples, subscribers),
        format_share(busy) + (" (!)" if busy > GENERATOR_LIMIT else ""),
    ]


def delay_rows(samples: Mapping[Case, Sequence[Sample]]) -> list[list[str]]:
    """Return a row of cells a case, under `DELAY_HEADINGS`: medians of the rounds, and the longest of all of them."""
    return [[*_names(case), *_delays(taken)] for case, taken in samples.items() if taken]


def _names(case: Case) -> list[str]:
    return [case.broker, LAYOUTS[case.layout].title, "100" if case.kept else "-"]


def _delays(samples: Sequence[Sample]) -> list[str]:
    cells = []
    for kind in KINDS:
        found = [sample.paced.delays[kind] for sample in samples if kind in sample.paced.delays]
        cells += [
            _milliseconds(statistics.median, [delays.p50 for delays in found]),
            _milliseconds(statistics.median, [delays.p99 for delays in found]),
            _milliseconds(max, [delays.most for delays in found]),
        ]
    return cells


def _milliseconds(of: Callable[[list[float]], float], seconds: list[float]) -> str:
    return f"{of(seconds) * 1e3:.2f}" if seconds else "-"


def spread(values: Sequence[float]) -> str:
    """Return a median with the lowest and the highest value."""
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} - {max(values):,.0f})"


def _broker_cost(samples: Sequence[Sample], subscribers: int) -> str:
    costs = [s.full.broker_cpu / s.full.deliveries * subscribers for s in samples if s.full.broker_cpu is not None]
    return f"{statistics.median(costs) * 1e6:.1f}" if costs else "-"


def text(samples: Mapping[Case, Sequence[Sample]], subscribers: int, notes: Sequence[str]) -> str:
    """Return all that a run has to say, in Markdown.

    Arguments:
        notes: what to say first.
    """
    notes = [
        *notes,
        f"{subscribers} subscribers on one channel, a quarter of them publish, 64 bytes each.",
        "Publications, deliveries and CPU time: with 16 publications in flight for each publisher, which writes the "
        "next one when it has received its own.",
        f"p50, p99 and max: the time from writing a publication to receiving it, at {PACE:g} publications per second; "
        "of all deliveries, of those in the process of the publisher, and of those in another process.",
    ]
    return "\n\n".join(
        (
            "\n".join(f"- {note}" for note in notes),
            table(HEADINGS, rows(samples, subscribers), left=3),
            table(DELAY_HEADINGS, delay_rows(samples), left=3),
        )
    )
