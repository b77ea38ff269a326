"""What must be said about figures: who limited them, what disturbed them, what failed."""

from __future__ import annotations

from collections import Counter

from benchmarks.report import Failure, Summary, paired, spread
from benchmarks.results import Chapter, Results

# From this share of its core on the load generator may be what limits a rate.
GENERATOR_LIMIT = 0.90
# When neither side uses this share of its core, something else did.
DISTURBED = 0.85


def chapter_notes(results: Results, chapter: Chapter) -> list[str]:
    """Return what must be said about a scenario."""
    return [
        *_generator_notes(results, chapter),
        *_disturbance_notes(results, chapter),
        *_scaling_notes(results, chapter),
        *_memory_notes(results, chapter),
    ]


def is_limited(summary: Summary) -> bool:
    """Tell whether the load generator may have limited a rate."""
    return summary.generator_busy is not None and summary.generator_busy > GENERATOR_LIMIT


def _generator_notes(results: Results, chapter: Chapter) -> list[str]:
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
    websockets = [one for one in chapter.summaries if one.contestant not in results.raw]
    if raw is not None and websockets and raw.generator_busy is not None:
        best = websockets[0]
        times = raw.value.median / best.value.median
        notes.append(
            f"With {results.title(raw.contestant)} the same generator reaches {times:.1f} times the rate "
            f"that it reaches with {results.title(best.contestant)}, the best server here."
        )
    return notes if chapter.unit.higher_is_better else []


def _disturbance_notes(results: Results, chapter: Chapter) -> list[str]:
    disturbed = [
        results.title(one.contestant)
        for one in chapter.summaries
        if one.server_busy is not None
        and one.generator_busy is not None
        and max(one.server_busy, one.generator_busy) < DISTURBED
    ]
    if not disturbed or not chapter.unit.higher_is_better:
        return []
    return [
        f"Neither the server nor the load generator had a whole core with {', '.join(disturbed)}: they waited for each "
        "other, or other programs were running. Compare the CPU time rather than the rate."
    ]


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
    if chapter.feature != "memory":
        return []
    counts = [sample.count for sample in results.samples if sample.scenario == chapter.name]
    if min(counts) == chapter.connections:
        return []
    return [f"There were {min(counts):,} connections: the system allows no more open files (ulimit -Hn)."]


def describe_failures(failures: tuple[Failure, ...]) -> list[str]:
    """Return one text for each failure; a repeated failure of a contestant is reported once, with its number."""
    counted = Counter((failure.contestant, failure.during, failure.reason) for failure in failures)
    return [
        f"Failed: {contestant}, {during}{f' ({times} times)' if times > 1 else ''}: {reason}"
        for (contestant, during, reason), times in counted.items()
    ]


def describe_gaps(results: Results) -> list[str]:
    """Return who was not measured in which scenario because it cannot do what that needs, and why."""
    missing: dict[tuple[str, str], list[str]] = {}
    for entrant in results.entrants.values():
        for chapter in results.chapters:
            if chapter.feature in entrant.lacks:
                reason = entrant.lacks[chapter.feature]
                missing.setdefault((entrant.title, reason), []).append(chapter.name)
    return [f"Without {title}: {', '.join(names)} ({reason})" for (title, reason), names in missing.items()]
