"""What the figures should reach, and whether they do."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.contestants import LIMIT, OURS
from benchmarks.results import Chapter, Results, format_ratio, paired, ratio, spread

BEST = "*"
# Ours too, in other ways than the one that is judged.
OUR_VARIANTS = frozenset(("ours-asgi", "ours-asgi-sansio", "ours-granian", "ours-hypercorn"))


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio of CPU times to reach: what one of what is counted costs our server, divided by what it costs another.

    CPU time, and not the rate, as the rate also depends on what the load generator leaves of the machine.

    Attributes:
        against: name of a contestant, `BEST` for the best of all peers; None for a figure of ours alone.
        most: what the ratio should be at most; without `against`, what the figure should be at most.
        ours: which of our contestants is judged.
    """

    scenario: str
    against: str | None
    most: float
    ours: str = OURS


GOALS = (
    Goal("echo-64", LIMIT, 1.27),
    Goal("echo-64", "picows-callbacks", 1.13),
    Goal("echo-64", "wse", 0.75),
    Goal("echo-64", "socketify", 0.65),
    Goal("echo-64", "ws", 0.70),
    Goal("echo-64-batch", LIMIT, 2.1),
    Goal("echo-64-batch", "wse", 0.35),
    Goal("echo-64-batch", "socketify", 0.13),
    Goal("echo-64-batch", "ws", 0.10),
    Goal("echo-64-batch", "picows-callbacks", 0.12),
    Goal("echo-64-batch", "starlette", 0.05),
    Goal("echo-4k", LIMIT, 1.33),
    Goal("echo-4k", BEST, 0.95),
    *(
        Goal(scenario, against, most)
        for scenario in ("echo-64k-lone", "echo-256k-lone", "echo-1m-lone")
        for against, most in ((LIMIT, 1.5), ("aiohttp", 0.70), ("starlette", 0.60))
    ),
    Goal("broadcast", LIMIT, 1.05),
    Goal("broadcast", BEST, 1.0),
    Goal("broadcast-burst", LIMIT, 1.2),
    Goal("broadcast-burst", BEST, 1.0),
    Goal("json", BEST, 0.95),
    Goal("connects", "picows-callbacks", 0.7),
    Goal("connects", "starlette", 0.15),
    Goal("http-text", "starlette", 0.45),
    Goal("http-text", "ws", 1.3),
    Goal("echo-64", "starlette", 0.95, "ours-asgi"),
    Goal("echo-64", "starlette-sansio", 0.95, "ours-asgi-sansio"),
    Goal("echo-64", "starlette-granian", 1.0, "ours-granian"),
    Goal("echo-64", "starlette-hypercorn", 1.0, "ours-hypercorn"),
    Goal("startup", "starlette", 1.0),
    Goal("memory-5000", None, 5000),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a goal, ready to be printed."""

    scenario: str
    against: str
    wanted: str
    measured: str
    reached: bool


def judge(results: Results) -> list[Verdict]:
    """Compare a run with the goals; those whose figures it has not are left out."""
    return [verdict for goal in GOALS if (verdict := _judge(goal, results)) is not None]


def _judge(goal: Goal, results: Results) -> Verdict | None:
    chapter = results.chapter(goal.scenario)
    ours = None if chapter is None else chapter.summary(goal.ours)
    if chapter is None or ours is None:
        return None
    scenario = goal.scenario if goal.ours == OURS else f"{goal.scenario}: {results.title(goal.ours)}"
    if goal.against is None:
        unit = chapter.unit
        reached = ours.value.median <= goal.most
        return Verdict(scenario, "", f"{unit.format(goal.most)} {unit.name}", unit.format(ours.value.median), reached)
    name = _best_peer(chapter, results) if goal.against == BEST else goal.against
    if name is None:
        return None
    pairs = paired(results.samples, (goal.scenario, goal.ours), (goal.scenario, name))
    found = spread(ratio(mine.cpu_per_one, other.cpu_per_one) for mine, other in pairs)
    if found is None:
        return None
    against = f"{'best of all peers: ' if goal.against == BEST else ''}{results.title(name)}"
    return Verdict(scenario, against, f"{goal.most:.2f}", format_ratio(found), found.median <= goal.most)


def _best_peer(chapter: Chapter, results: Results) -> str | None:
    """Return the peer whose server takes the least CPU time."""
    peers = {
        summary.contestant: summary.cpu_per_one.median
        for summary in chapter.summaries
        if summary.cpu_per_one is not None and summary.contestant not in {*results.raw, OURS, *OUR_VARIANTS}
    }
    return min(peers, key=lambda name: peers[name], default=None)
