"""Results as tables for a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.goals import Verdict
from benchmarks.notes import GENERATOR_LIMIT
from benchmarks.report import Spread, Summary
from benchmarks.results import Chapter, Results


def chapter_table(results: Results, chapter: Chapter) -> Table:
    """Build the table of one scenario, the best contestant first."""
    base, unit = results.title(results.base), chapter.unit
    headings = (
        "\nserver",
        f"\n{unit.name}",
        "\nspread",
        f"CPU µs\n/{unit.one}" if unit.one else "\nCPU ms",
        "server\nbusy",
        "generator\nbusy",
        f"{base} is better\nby a factor of",
        f"its CPU ÷\nCPU of {base}",
    )
    rows = [_cells(results, chapter, summary) for summary in chapter.summaries]
    used = [column for column in range(len(headings)) if any(row[column] for row in rows)]
    table = Table(title=chapter.title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for column in used:
        table.add_column(headings[column], justify="right" if column else "left", no_wrap=True)
    for row, summary in zip(rows, chapter.summaries, strict=True):
        style = "bold" if summary.contestant == results.base else ""
        table.add_row(*(row[column] for column in used), style=style)
    return table


def _cells(results: Results, chapter: Chapter, summary: Summary) -> list[str]:
    is_base = summary.contestant == results.base
    has_rate, cpu = chapter.unit.one is not None, format_cpu(chapter, summary)
    return [
        results.title(summary.contestant),
        chapter.unit.format(summary.value.median),
        format_spread(summary.value),
        cpu,
        format_share(summary.server_busy) if has_rate else "",
        format_share(summary.generator_busy) + ("!" if is_limited(summary) else "") if has_rate else "",
        "" if is_base else format_ratio(summary.ratio),
        "" if is_base or not cpu else format_ratio(summary.cpu_ratio),
    ]


def goals_table(verdicts: list[Verdict]) -> Table:
    """Build the table of what was to be reached."""
    table = Table(
        title="What was to be reached", title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False
    )
    for heading in ("scenario", "against"):
        table.add_column(heading)
    for heading in ("wanted", "measured"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for verdict in verdicts:
        table.add_row(
            verdict.goal.scenario,
            verdict.against,
            verdict.wanted,
            verdict.measured,
            "reached" if verdict.reached else "missed",
            style="" if verdict.reached else "red",
        )
    return table


def is_limited(summary: Summary) -> bool:
    """Tell whether the load generator may have limited a rate."""
    return summary.generator_busy is not None and summary.generator_busy > GENERATOR_LIMIT


def format_cpu(chapter: Chapter, summary: Summary) -> str:
    """Return the CPU time of the server: microseconds for one of what is counted, else milliseconds in all."""
    if summary.cpu_per_one is None:
        return "?"
    if chapter.unit.one is None:
        return f"{summary.cpu_per_one.median * 1e3:,.0f}" if chapter.unit.name == "ms" else ""
    return f"{summary.cpu_per_one.median * 1e6:,.2f}"


def format_share(share: float | None) -> str:
    """Return a share of a core in per cent."""
    return "" if share is None else f"{share:.0%}"


def format_spread(figures: Spread) -> str:
    """Return how far the lowest and the highest figure are from the median, in per cent: `-3% +5%`."""
    if not figures.median:
        return "?"
    return f"{figures.low / figures.median - 1:+.0%} {figures.high / figures.median - 1:+.0%}"


def format_ratio(ratio: Spread | None) -> str:
    """Return a ratio with its lowest and highest value, `?` where it is unknown."""
    return "?" if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f} - {ratio.high:.2f})"
