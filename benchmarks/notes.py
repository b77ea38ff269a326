"""What must be said about figures: who limited them, what disturbed them, what failed."""

from __future__ import annotations

from collections import Counter

from benchmarks.results import Chapter, Failure, Results, Summary, paired, spread

# From this share of its core on the load generator may be what limits a rate.
GENERATOR_LIMIT = 0.90
# When neither side uses this share of its core, something else did.
DISTURBED = 0.85


def chapter_notes(results: Results, chapter: Chapter) -> list[str]:
    """Return what must be said about a scenario."""
    rates = _rate_notes(results, chapter) if chapter.unit.higher_is_better else []
    return [*rates, *_scaling_notes(results, chapter), *_memory_notes(results, chapter)]


def is_limited(summary: Summary) -> bool:
    """Tell whether the load generator may have limited a rate."""
    return summary.generator_busy is not None and summary.generator_busy > GENERATOR_LIMIT


def _rate_notes(results: Results, chapter: Chapter) -> list[str]:
    notes = []
    limited = [
        f"{results.title(one.contestant)} ({one.generator_busy:.0%})" for one in chapter.summaries if is_limited(one)
    ]
    if limited:
        notes.append(
            f"The load generator used more than {GENERATOR_LIMIT:.0%} of its core with {', '.join(limited)}: "
            "their true rates may be higher. Compare the CPU time."
        )
    raw = next((one for one in chapter.summaries if one.contestant in results.raw), None)
    best = next((one for one in chapter.summaries if one.contestant not in results.raw), None)
    if raw is not None and best is not None and raw.generator_busy is not None:
        notes.append(
            f"With {results.title(raw.contestant)} the same generator reaches "
            f"{raw.value.median / best.value.median:.1f} times the rate "
            f"that it reaches with {results.title(best.contestant)}, the best server here."
        )
    disturbed = [
        results.title(one.contestant)
        for one in chapter.summaries
        if None not in (busy := (one.server_busy, one.generator_busy)) and max(share or 0 for share in busy) < DISTURBED
    ]
    if disturbed:
        notes.append(
            f"Neither the server nor the load generator had a whole core with {', '.join(disturbed)}: they waited for "
            "each other, or other programs were running. Compare the CPU time rather than the rate."
        )
    return notes


def _scaling_notes(results: Results, chapter: Chapter) -> list[str]:
    if chapter.name != "workers-2":
        return []
    ratios = []
    for one in chapter.summaries:
        pairs = paired(results.samples, ("workers-2", one.contestant), ("workers-1", one.contestant))
        ratio = spread(two.value / single.value for two, single in pairs)
        if ratio is not None:
            ratios.append(f"{results.title(one.contestant)} {ratio.median:.2f}")
    notes = [f"Two workers against one: {', '.join(ratios)}."] if ratios else []
    cores = len(results.data["placement"]["cores"])
    if cores < 3:
        notes.append(
            f"There are {cores or 'unknown'} cores: two workers and the load generator share them, so that two workers "
            "cannot reach twice the rate of one here."
        )
    return notes


def _memory_notes(results: Results, chapter: Chapter) -> list[str]:
    fewest = min(sample.count for sample in results.samples if sample.scenario == chapter.name)
    if chapter.feature != "memory" or fewest == chapter.connections:
        return []
    return [f"There were {fewest:,} connections: the system allows no more open files (ulimit -Hn)."]


def describe_failures(failures: tuple[Failure, ...]) -> list[str]:
    """Return one text for each failure; a repeated failure of a contestant is reported once, with its number."""
    return [
        f"Failed: {one.contestant}, {one.during}{f' ({times} times)' if times > 1 else ''}: {one.reason}"
        for one, times in Counter(failures).items()
    ]


def describe_gaps(results: Results) -> list[str]:
    """Return who was not measured in which scenario because it cannot do what that needs, and why."""
    missing: dict[tuple[str, str], list[str]] = {}
    for entrant in results.entrants.values():
        for chapter in results.chapters:
            if reason := entrant.lacks.get(chapter.feature):
                missing.setdefault((entrant.title, reason), []).append(chapter.name)
    return [f"Without {title}: {', '.join(names)} ({reason})" for (title, reason), names in missing.items()]
