"""Results as Markdown, for a page in docs/."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.goals import judge
from benchmarks.notes import chapter_notes, describe_failures, describe_gaps, is_limited
from benchmarks.results import Chapter, Results, Spread, Summary, format_ratio


def results_markdown(results: Results, images: str | None = None) -> str:
    """Return all that a run has to say.

    Arguments:
        images: folder of the charts, as the page sees it; None for no charts.
    """
    parts = [_circumstances(results), _goals(results)]
    for chapter in results.chapters:
        parts += [
            f"### {chapter.title}",
            f"![{chapter.title}]({images}/{image_name(chapter)})" if images else "",
            _table(results, chapter),
        ]
        parts += [bullets(chapter_notes(results, chapter))]
    parts += [
        "### Not measured",
        bullets([*describe_gaps(results), *map(_one_line, describe_failures(results.failures))]),
    ]
    parts += ["### Versions", _versions(results)]
    return "\n\n".join(part for part in parts if part)


def image_name(chapter: Chapter) -> str:
    """Return the name of the file with a scenario's chart."""
    return f"benchmark-{chapter.name}.svg"


def _circumstances(results: Results) -> str:
    data = results.data
    machine, load, timing = data["machine"], data["load"], data["timing"]
    lines = [
        f"- Made: {data['made']}, in {data['took'] // 60} minutes; commit `{machine['commit']}`",
        f"- Machine: {machine['processor']}, {machine['cores']} cores, {machine['system']}, {machine['python']}",
        f"- {data['placement']['note']}",
        f"- Rounds: {data['rounds']}; a measurement: {timing['seconds']:g} s, after {timing['warm_up']:g} s of warm-up",
    ]
    if load["before"] and load["after"]:
        lines.append(
            f"- Runnable processes, on average over a minute: {load['before'][0]} before, {load['after'][0]} at the end"
        )
    return "\n".join(lines)


def _goals(results: Results) -> str:
    verdicts = judge(results)
    if not verdicts:
        return ""
    rows = [(v.scenario, v.against, v.wanted, v.measured, "reached" if v.reached else "**missed**") for v in verdicts]
    headings = ("scenario", "against", "at most", "measured", "")
    text = "The CPU time of our server per message, divided by that of another server. For memory, the figure itself."
    return f"### Goals\n\n{text}\n\n" + table(headings, rows, left=2)


def _table(results: Results, chapter: Chapter) -> str:
    unit, base = chapter.unit, results.title(results.base)
    cpu = f"CPU µs/{unit.one}" if unit.one else "CPU ms" if unit.name == "ms" else None
    headings = ["server", unit.name, "spread", cpu, "server busy", "generator busy", f"{base} better by a factor of"]
    rows = []
    for summary in chapter.summaries:
        is_base = summary.contestant == results.base
        title = results.title(summary.contestant)
        cells = [
            f"**{title}**" if is_base else title,
            unit.format(summary.value.median),
            format_spread(summary.value),
            format_cpu(chapter, summary) if cpu else None,
            format_share(summary.server_busy) if unit.one else None,
            format_share(summary.generator_busy) + (" (!)" if is_limited(summary) else "") if unit.one else None,
            "" if is_base else format_ratio(summary.ratio),
        ]
        rows.append(cells)
    used = [i for i, heading in enumerate(headings) if heading is not None and any(row[i] for row in rows)]
    shown = [[row[i] or "" for i in used] for row in rows]
    return table([headings[i] or "" for i in used], shown, left=1)


def _versions(results: Results) -> str:
    rows = [
        (entrant.title, ", ".join(f"{name} {version}" for name, version in entrant.versions.items()))
        for entrant in results.entrants.values()
    ]
    return table(("server", "versions"), rows, left=2)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Return a table in Markdown.

    Arguments:
        left: how many columns, from the first, are text and not figures.
    """
    rule = ["---" if column < left else "---:" for column in range(len(headings))]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in (headings, rule, *rows))


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


def bullets(lines: Sequence[str]) -> str:
    """Return a list in Markdown."""
    return "\n".join(f"- {line}" for line in lines)


def _one_line(text: str) -> str:
    # What a server wrote besides names folders of the machine.
    return " ".join(text.partition("\nThe server wrote:")[0].split())[:300]
