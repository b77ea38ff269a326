from __future__ import annotations

from benchmarks.goals import judge
from tests.benchmarks.results_data import results, sample


def verdicts(*samples: object) -> dict[tuple[str, str], tuple[str, bool]]:
    return {(v.scenario, v.against): (v.measured, v.reached) for v in judge(results(*samples))}  # type: ignore[arg-type]


def test_a_ratio_of_cpu_times_is_reached_or_missed() -> None:
    """The servers of these samples are equally busy, so twice the rate means half the CPU time a message."""
    found = verdicts(sample("ours", 100), sample("raw", 128), sample("ws", 69), sample("starlette", 30))
    assert found == {
        ("echo-64", "raw TCP"): ("1.28 (1.28 - 1.28)", False),
        ("echo-64", "ws"): ("0.69 (0.69 - 0.69)", True),
    }


def test_emmett_on_asgi_is_judged_separately() -> None:
    found = verdicts(sample("ours-asgi", 100), sample("starlette", 90))
    assert found == {("echo-64: emmett, ASGI", "Starlette"): ("0.90 (0.90 - 0.90)", True)}


def test_neither_raw_tcp_nor_emmett_on_asgi_counts_as_the_best_peer() -> None:
    found = verdicts(
        sample("ours", 100, scenario="echo-4k"),
        sample("raw", 200, scenario="echo-4k"),
        sample("ours-asgi", 500, scenario="echo-4k"),
        sample("ws", 90, scenario="echo-4k"),
        sample("starlette", 50, scenario="echo-4k"),
    )
    assert found == {
        ("echo-4k", "raw TCP"): ("2.00 (2.00 - 2.00)", False),
        ("echo-4k", "best of all peers: ws"): ("0.90 (0.90 - 0.90)", True),
    }


def test_the_median_of_the_rounds_counts() -> None:
    rounds = [(100, 80), (100, 60), (100, 20)]
    samples = [sample("ours", mine, number) for number, (mine, _) in enumerate(rounds)]
    samples += [sample("ws", theirs, number) for number, (_, theirs) in enumerate(rounds)]
    assert verdicts(*samples) == {("echo-64", "ws"): ("0.60 (0.20 - 0.80)", True)}


def test_the_memory_goal_needs_only_our_own_figure() -> None:
    assert verdicts(sample("ours", 5000, scenario="memory-5000")) == {("memory-5000", ""): ("5.0", True)}
    assert verdicts(sample("ours", 5001, scenario="memory-5000")) == {("memory-5000", ""): ("5.0", False)}


def test_goals_without_measurements_are_not_judged() -> None:
    assert verdicts(sample("starlette", 1), sample("ours", 1, scenario="json")) == {}
    assert verdicts(sample("ours", 1, scenario="echo-4k")) == {}
    assert verdicts(sample("ours", 1, server=None), sample("ws", 1)) == {}
