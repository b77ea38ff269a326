from __future__ import annotations

from benchmarks.goals import judge
from tests.benchmarks.results_data import results, sample


def verdicts(*samples: object) -> dict[tuple[str, str], tuple[str, bool]]:
    return {(v.goal.scenario, v.against): (v.measured, v.reached) for v in judge(results(*samples))}  # type: ignore[arg-type]


def test_a_ratio_is_reached_or_missed() -> None:
    found = verdicts(sample("ours", 69), sample("raw", 100), sample("ws", 50), sample("starlette", 30))
    assert found == {
        ("echo-64", "raw TCP"): ("0.69", False),
        ("echo-64", "ws"): ("1.38", True),
        ("echo-64", "Starlette"): ("2.30", True),
    }


def test_the_best_peer_is_neither_the_limit_nor_ours_in_another_dress() -> None:
    found = verdicts(
        sample("ours", 130, scenario="echo-4k"),
        sample("raw", 900, scenario="echo-4k"),
        sample("ours-asgi", 500, scenario="echo-4k"),
        sample("ws", 100, scenario="echo-4k"),
        sample("starlette", 50, scenario="echo-4k"),
    )
    assert found == {("echo-4k", "best of all peers: ws"): ("1.30", True)}


def test_the_median_of_the_rounds_counts() -> None:
    rounds = [(100, 100), (120, 100), (300, 100)]
    samples = [sample("ours", mine, number) for number, (mine, _) in enumerate(rounds)]
    samples += [sample("ws", theirs, number) for number, (_, theirs) in enumerate(rounds)]
    assert verdicts(*samples) == {("echo-64", "ws"): ("1.20", False)}


def test_memory_is_a_figure_of_ours_alone() -> None:
    found = verdicts(sample("ours", 6000, scenario="memory-5000"), sample("ours", 6001, scenario="memory-15000"))
    assert found == {("memory-5000", ""): ("6.0", True), ("memory-15000", ""): ("6.0", False)}


def test_two_workers_are_compared_with_one() -> None:
    found = verdicts(sample("ours", 100, scenario="workers-1"), sample("ours", 185, scenario="workers-2"))
    assert found == {("workers-2", "workers-1"): ("1.85", True)}


def test_what_was_not_measured_is_not_judged() -> None:
    assert verdicts(sample("starlette", 1), sample("ours", 1, scenario="json")) == {}
    assert verdicts(sample("ours", 1, scenario="echo-4k")) == {}
