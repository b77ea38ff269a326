"""A subscriber that reads nothing, beside thousands that do: what it costs them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.channels.measure import measure_process
from benchmarks.channels.plan import ChannelResult
from benchmarks.machine import Placement
from benchmarks.markdown import table
from benchmarks.stage import Timing

POLICIES = ("disconnect", "drop_oldest", "latest")
# Deliveries a second: what a process can do at ease.
DELIVERIES = 40_000.0
# Times as long as other measurements: 99 of 100 deliveries are those of few publications to many.
LONGER = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """The same load without and with a subscriber that reads nothing."""

    without: ChannelResult
    beside: ChannelResult


def measure_pair(policy: str, subscribers: int, timing: Timing, placement: Placement) -> Pair:
    """Measure both, each on a fresh server.

    Arguments:
        policy: what the namespace does with slow subscribers.
        subscribers: how many others there are.

    Raises:
        LoadFailed, ServerFailed: as `channels.measure.measure`.
    """
    timing, pace = replace(timing, seconds=LONGER * timing.seconds), DELIVERIES / subscribers
    without, beside = (
        measure_process("memory", subscribers, timing, placement, room=f"{policy}:all", pace=pace, slow=slow)
        for slow in (False, True)
    )
    return Pair(without, beside)


def row(policy: str, pairs: Sequence[Pair]) -> list[str]:
    """Return the cells of a policy: medians of several rounds, and of the ratio its lowest and highest too."""
    ratios = [pair.beside.delays["all"].p99 / pair.without.delays["all"].p99 for pair in pairs]
    last = pairs[-1].beside
    return [
        policy,
        _milliseconds([pair.without.delays["all"].p50 for pair in pairs]),
        _milliseconds([pair.without.delays["all"].p99 for pair in pairs]),
        _milliseconds([pair.beside.delays["all"].p50 for pair in pairs]),
        _milliseconds([pair.beside.delays["all"].p99 for pair in pairs]),
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f})",
        f"{last.stats['dropped']:,} / {last.stats['disconnected']:,}",
        _megabytes([pair.without.memory["peak"] for pair in pairs]),
        _megabytes([pair.beside.memory["peak"] for pair in pairs]),
        f"{statistics.median(pair.beside.server_cpu / pair.beside.seconds for pair in pairs):.0%}",
    ]


HEADINGS = (
    "policy",
    "p50 ms without",
    "p99 ms without",
    "p50 ms with it",
    "p99 ms with it",
    "ratio of p99",
    "dropped / disconnected",
    "peak MB without",
    "peak MB with it",
    "server busy",
)


def _milliseconds(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds) * 1e3:.1f}"


def _megabytes(sizes: Sequence[float]) -> str:
    return f"{statistics.median(sizes) / 1e6:.1f}"


def measure(
    rounds: int, subscribers: int, timing: Timing, placement: Placement, say: Callable[[str], object]
) -> tuple[str, dict[str, Any]]:
    """Measure each policy without and with a subscriber that reads nothing.

    Arguments:
        say: called with what is being done.

    Returns:
        The table, and all that was measured.
    """
    pairs: dict[str, list[Pair]] = {policy: [] for policy in POLICIES}
    for number in range(rounds):
        for policy in POLICIES:
            say(f"round {number + 1} of {rounds}: a slow reader, {policy}")
            pairs[policy].append(measure_pair(policy, subscribers, timing, placement))
    pace = f"{subscribers:,} subscribers on one channel get {DELIVERIES / subscribers:g} publications a second"
    text = table(HEADINGS, [row(policy, taken) for policy, taken in pairs.items()], left=1)
    samples = {policy: [asdict(pair) for pair in taken] for policy, taken in pairs.items()}
    return f"{pace}; one more reads nothing:\n\n{text}", {"samples": samples}
