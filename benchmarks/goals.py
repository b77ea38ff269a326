"""What the figures should reach, and whether they do."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.contestants import LIMIT, OURS
from benchmarks.report import Sample, paired, spread
from benchmarks.results import Results

BEST = "*"
# Ours too, in other ways than the one that is judged.
OUR_VARIANTS = frozenset(("ours-asgi",))


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio to reach: ours divided by another's figure, of the same run.

    Attributes:
        scenario: name of the scenario.
        against: names of contestants, `BEST` for the best of all peers; none for a figure of ours alone.
        least: what the ratio should be at least; with `against` empty, what the figure should be at most.
        other_scenario: where the other's figure is from, when it is another one.
    """

    scenario: str
    against: tuple[str, ...]
    least: float
    other_scenario: str | None = None


GOALS = (
    Goal("echo-64", (LIMIT,), 0.70),
    Goal("echo-64", ("ws",), 1.25),
    Goal("echo-64", ("socketify",), 1.25),
    Goal("echo-64", ("aiohttp",), 1.6),
    Goal("echo-64", ("starlette",), 2.3),
    Goal("echo-64", ("emmett2",), 2.8),
    Goal("echo-64-batch", ("socketify",), 3.0),
    Goal("echo-64-batch", ("ws",), 5),
    Goal("echo-64-batch", ("starlette",), 11),
    Goal("echo-64-batch", ("emmett2",), 22),
    Goal("echo-4k", (BEST,), 1.2),
    Goal("echo-64k", (BEST,), 1.2),
    Goal("broadcast", (BEST,), 1.05),
    Goal("broadcast-burst", (BEST,), 5),
    Goal("connects", ("ws",), 1.5),
    Goal("connects", ("starlette",), 1.5),
    Goal("memory-5000", (), 6000),
    Goal("memory-15000", (), 6000),
    Goal("http-text", ("starlette",), 1.1),
    Goal("workers-2", (OURS,), 1.8, "workers-1"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a goal, ready to be printed."""

    goal: Goal
    against: str
    wanted: str
    measured: str
    reached: bool


def judge(results: Results) -> list[Verdict]:
    """Compare a run with the goals; those whose figures it has not are left out."""
    return [verdict for verdict in (_judge(goal, results) for goal in GOALS) if verdict is not None]


def _judge(goal: Goal, results: Results) -> Verdict | None:
    chapter = results.chapter(goal.scenario)
    ours = None if chapter is None else chapter.summary(OURS)
    if chapter is None or ours is None:
        return None
    if not goal.against:
        unit = chapter.unit
        reached = ours.value.median <= goal.least
        wanted = f"at most {unit.format(goal.least)} {unit.name}"
        return Verdict(goal, "", wanted, unit.format(ours.value.median), reached)
    name = goal.against[0]
    if name == BEST:
        peers = [s.contestant for s in chapter.summaries if s.contestant not in {*results.raw, OURS, *OUR_VARIANTS}]
        if not peers:
            return None
        name = peers[0]
    pairs = paired(results.samples, (goal.scenario, OURS), (goal.other_scenario or goal.scenario, name))
    ratio = spread(_advantage(mine, other, higher_is_better=chapter.unit.higher_is_better) for mine, other in pairs)
    if ratio is None:
        return None
    against = results.title(name) if goal.other_scenario is None else goal.other_scenario
    if goal.against[0] == BEST:
        against = f"best of all peers: {against}"
    return Verdict(goal, against, f"{goal.least:.2f}", f"{ratio.median:.2f}", ratio.median >= goal.least)


def _advantage(mine: Sample, other: Sample, *, higher_is_better: bool) -> float:
    return mine.value / other.value if higher_is_better else other.value / mine.value
