"""A subscriber that reads nothing, beside thousands that do: what it costs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from benchmarks.channels.measure import measure_process
from benchmarks.channels.plan import ChannelResult
from benchmarks.machine import Placement
from benchmarks.markdown import table
from benchmarks.results import format_ratio, spread
from benchmarks.stage import Timing

POLICIES = ("disconnect", "drop_oldest", "latest")
# Deliveries a second: what a process can do at ease.
DELIVERIES = 40_000.0
# Times as long as other measurements: 99 of 100 deliveries are those of few publications to many.
LONGER = 3
HEADINGS = (
    *("policy", "p50 ms without", "p99 ms without", "p50 ms with it", "p99 ms with it", "ratio of p99"),
    *("dropped / disconnected", "peak MB without", "peak MB with it", "server busy"),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """The same load without and with a subscriber that reads nothing."""

    without: ChannelResult
    beside: ChannelResult


def row(policy: str, pairs: Sequence[Pair]) -> list[str]:
    """Return the cells of a policy: medians of several rounds, and of the ratio its lowest and highest too."""
    without, beside = [pair.without for pair in pairs], [pair.beside for pair in pairs]
    stats = beside[-1].stats
    return [
        policy,
        *(
            f"{median(getattr(result.delays['all'], figure) for result in results) * 1e3:.1f}"
            for results in (without, beside)
            for figure in ("p50", "p99")
        ),
        format_ratio(spread(pair.beside.delays["all"].p99 / pair.without.delays["all"].p99 for pair in pairs)),
        f"{stats['dropped']:,} / {stats['disconnected']:,}",
        *(f"{median(result.memory['peak'] for result in results) / 1e6:.1f}" for results in (without, beside)),
        f"{median(result.server_cpu / result.seconds for result in beside):.0%}",
    ]


def measure(
    rounds: int, subscribers: int, timing: Timing, placement: Placement, say: Callable[[str], object]
) -> tuple[str, dict[str, Any]]:
    """Measure each policy without and with a subscriber that reads nothing beside the others, on fresh servers.

    Returns:
        The table, and all that was measured.
    """
    timing, pace = replace(timing, seconds=LONGER * timing.seconds), DELIVERIES / subscribers
    pairs: dict[str, list[Pair]] = {policy: [] for policy in POLICIES}
    for number in range(rounds):
        for policy in POLICIES:
            say(f"round {number + 1} of {rounds}: a slow reader, {policy}")
            fields = {"room": f"{policy}:all", "pace": pace}
            without, beside = (
                measure_process("memory", subscribers, timing, placement, slow=slow, **fields) for slow in (False, True)
            )
            pairs[policy].append(Pair(without, beside))
    text = table(HEADINGS, [row(policy, taken) for policy, taken in pairs.items()], left=1)
    samples = {policy: [asdict(pair) for pair in taken] for policy, taken in pairs.items()}
    what = f"{subscribers:,} subscribers on one channel get {pace:g} publications a second; one more reads nothing"
    return f"{what}:\n\n{text}", {"samples": samples}
