"""Summaries as tables for a terminal, and what must be said about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.report import Failure, Spread, Summary

# A process that uses this share of its core or more is what limits the rate.
SATURATED = 0.95
# When neither side uses this share of its core, something else did.
DISTURBED = 0.85


def scenario_table(title: str, summaries: Sequence[Summary], titles: dict[str, str], base: str) -> Table:
    """Build the table of one scenario, the fastest contestant first.

    Arguments:
        title: what stands above it.
        summaries: one a contestant.
        titles: names of the contestants for readers.
        base: the contestant that ratios refer to.
    """
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("\nserver")
    table.add_column("\nmessages/s", justify="right")
    table.add_column("\nspread", justify="right")
    table.add_column("CPU µs\n/message", justify="right")
    table.add_column("server\nbusy", justify="right")
    table.add_column("generator\nbusy", justify="right")
    table.add_column(f"rate of {titles[base]}\n÷ its rate", justify="right")
    table.add_column(f"its CPU ÷\nCPU of {titles[base]}", justify="right")
    for summary in sorted(summaries, key=lambda summary: summary.rate.median, reverse=True):
        cpu = summary.cpu_per_message
        table.add_row(
            titles[summary.contestant],
            f"{summary.rate.median:,.0f}",
            format_spread(summary.rate),
            "?" if cpu is None else f"{cpu.median * 1e6:.2f}",
            "?" if summary.server_busy is None else f"{summary.server_busy:.0%}",
            f"{summary.generator_busy:.0%}",
            "" if summary.contestant == base else format_ratio(summary.rate_ratio),
            "" if summary.contestant == base else format_ratio(summary.cpu_ratio),
            style="bold" if summary.contestant == base else "",
        )
    return table


def format_spread(figures: Spread) -> str:
    """Return how far the lowest and the highest figure are from the median, in per cent: `-3% +5%`."""
    return f"{figures.low / figures.median - 1:+.0%} {figures.high / figures.median - 1:+.0%}"


def format_ratio(ratio: Spread | None) -> str:
    """Return a ratio with its lowest and highest value, `?` where it is unknown."""
    return "?" if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f} - {ratio.high:.2f})"


def generator_notes(summaries: Sequence[Summary], titles: dict[str, str], limit: str) -> list[str]:
    """Say whether the load generator limited the figures of one scenario.

    Arguments:
        summaries: one a contestant.
        titles: names of the contestants for readers.
        limit: name of the raw TCP echo, which shows what the generator is able to do.
    """
    websockets = [summary for summary in summaries if summary.contestant != limit]
    notes = [
        f"{titles[summary.contestant]}: the load generator used {summary.generator_busy:.0%} of its core, the server "
        f"only {summary.server_busy:.0%}. Its true rate is higher; compare the CPU per message."
        for summary in websockets
        if summary.server_busy is not None and summary.generator_busy >= SATURATED > summary.server_busy
    ]
    raw = next((summary for summary in summaries if summary.contestant == limit), None)
    if raw is not None and websockets:
        fastest = max(websockets, key=lambda summary: summary.rate.median)
        notes.append(
            f"With {titles[limit]} the same generator moves {raw.rate.median / fastest.rate.median:.1f} times the "
            f"messages that it moves with {titles[fastest.contestant]}, the fastest websocket server here."
        )
    return notes


def disturbance_notes(summaries: Sequence[Summary], titles: dict[str, str]) -> list[str]:
    """Name the contestants whose figures other programs on the machine have disturbed."""
    disturbed = [
        titles[summary.contestant]
        for summary in summaries
        if summary.server_busy is not None and max(summary.server_busy, summary.generator_busy) < DISTURBED
    ]
    if not disturbed:
        return []
    return [
        f"Disturbed: {', '.join(disturbed)}. Neither the server nor the load generator got a whole core, so other "
        "programs were running. Repeat it on a quiet machine, or trust the CPU per message more than the rate."
    ]


def describe_failures(failures: Iterable[Failure]) -> list[str]:
    """Return one text a failure; the same failure of the same contestant is told once, with its number."""
    counted = Counter((failure.contestant, failure.during, failure.reason) for failure in failures)
    return [
        f"Failed: {contestant}, {during}{f' ({times} times)' if times > 1 else ''}: {reason}"
        for (contestant, during, reason), times in counted.items()
    ]
