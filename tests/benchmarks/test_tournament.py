from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmarks.contestants import Contestant
from benchmarks.environments import EnvironmentUnavailable, OwnEnvironment
from benchmarks.machine import Placement
from benchmarks.plan import LoadFailed, Outcome
from benchmarks.results import Failure, Results
from benchmarks.scenario import MESSAGES, Scenario, Unit
from benchmarks.stage import Stage, Timing
from benchmarks.tournament import Tournament, shuffled

ORDER: list[tuple[str, str]] = []


@dataclass(frozen=True, kw_only=True)
class Costless(Scenario):
    """Measures nothing, fails for the contestant `broken`, and records the order of contestants."""

    feature: str = "echo"
    unit: Unit = MESSAGES
    connections: int = 7

    def measure(self, stage: Stage) -> Outcome:
        ORDER.append((self.name, stage.contestant.name))
        if stage.contestant.name == "broken":
            raise LoadFailed("no answer")
        return Outcome(100.0, 100, stage.timing.seconds, 0.5, 0.25, 6600)


ONE, TWO = Costless(name="one", title="One"), Costless(name="two", title="Two")


@pytest.fixture(autouse=True)
def measured() -> list[tuple[str, str]]:
    ORDER.clear()
    return ORDER


class Instant(OwnEnvironment):
    """Starts no interpreter."""

    def versions(self, runtime: str, packages: Sequence[str]) -> dict[str, str]:
        if not Path(runtime).exists():
            raise FileNotFoundError(runtime)
        return {"python": "3"} | dict.fromkeys(packages, "1.0")


def contestant(name: str) -> Contestant:
    return Contestant(
        name, name.title(), lambda python, options: [python], ("click",), "import click", Instant(), raw=name == "raw"
    )


def tournament(*names: str, rounds: int = 2, scenarios: tuple[Scenario, ...] = (ONE, TWO), seed: int = 1) -> Tournament:
    contestants = [contestant(name) for name in names]
    return Tournament(contestants, list(scenarios), rounds, Timing(0.1, 1.0), Placement(0, 1, "Pinned."), seed)


def ignore(text: str) -> None:
    assert text


def run(tournament: Tournament, announce: Callable[[str], None] = ignore) -> Tournament:
    tournament.prepare(announce)
    tournament.measure(announce)
    return tournament


def test_every_contestant_is_measured_in_each_scenario_of_each_round() -> None:
    run(tournament("a", "b", "c", rounds=3))
    assert [scenario for scenario, _ in ORDER] == ["one", "one", "one", "two", "two", "two"] * 3
    turns = [tuple(name for _, name in ORDER[start : start + 3]) for start in range(0, len(ORDER), 3)]
    assert all(sorted(turn) == ["a", "b", "c"] for turn in turns)
    assert len(set(turns)) > 1


def test_the_seed_determines_the_order(measured: list[tuple[str, str]]) -> None:
    orders = []
    for seed in (1, 1, 2):
        run(tournament("a", "b", "c", "d", rounds=3, seed=seed))
        orders.append(list(measured))
        measured.clear()
    assert orders[0] == orders[1] != orders[2]


def test_shuffling_keeps_every_contestant() -> None:
    contestants = [contestant(name) for name in "abc"]
    assert sorted(c.name for c in shuffled(contestants, random.Random(3))) == ["a", "b", "c"]
    assert shuffled([], random.Random(3)) == []


def test_a_scenario_may_have_fewer_rounds() -> None:
    result = run(tournament("a", "b", rounds=5, scenarios=(ONE, replace(TWO, most_rounds=2))))
    assert [name for name, _ in ORDER].count("one") == 10
    assert [name for name, _ in ORDER].count("two") == 4
    assert len(result.turns()) == 14


def test_a_contestant_is_not_measured_in_a_scenario_it_cannot_do() -> None:
    result = tournament("a", "b", rounds=1)
    result.contestants[0] = replace(result.contestants[0], lacks={"echo": "is deaf"})
    run(result)
    assert {name for _, name in ORDER} == {"b"}
    assert not result.failures
    assert len(result.turns()) == 2


def test_each_measurement_is_announced() -> None:
    said: list[str] = []
    run(tournament("a", rounds=2), said.append)
    assert said == [
        "installing A",
        "1 of 4, round 1 of 2: one, A",
        "2 of 4, round 1 of 2: two, A",
        "3 of 4, round 2 of 2: one, A",
        "4 of 4, round 2 of 2: two, A",
    ]


def test_ratios_refer_to_ours_or_to_the_first_contestant() -> None:
    assert run(tournament("raw", "ours")).base == "ours"
    assert run(tournament("broken", "raw", "peer")).base == "raw"
    assert run(tournament("broken")).base == "ours"


def test_a_failed_measurement_does_not_end_the_others() -> None:
    result = run(tournament("broken", "ours", rounds=1))
    assert [sample.contestant for sample in result.samples] == ["ours", "ours"]
    assert result.failures == [Failure("broken", "one", "no answer"), Failure("broken", "two", "no answer")]


def test_a_contestant_that_cannot_be_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(self: Contestant) -> str:
        if self.name == "peer":
            raise EnvironmentUnavailable("no network")
        return sys.executable

    monkeypatch.setattr(Contestant, "prepare", prepare)
    result = run(tournament("ours", "peer", rounds=1))
    assert {name for _, name in ORDER} == {"ours"}
    assert result.failures == [Failure("peer", "installation", "no network")]


def test_a_contestant_whose_interpreter_does_not_run_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Contestant, "prepare", lambda self: "/no/such/python" if self.name == "peer" else sys.executable
    )
    result = run(tournament("ours", "peer", rounds=1))
    assert {name for _, name in ORDER} == {"ours"}
    assert [(failure.contestant, failure.during) for failure in result.failures] == [("peer", "installation")]


def test_the_json_contains_everything_needed_to_judge_the_figures() -> None:
    data = json.loads(json.dumps(run(tournament("raw", "ours")).as_json()))
    assert (data["base"], data["rounds"]) == ("ours", 2)
    assert data["timing"] == {"warm_up": 0.1, "seconds": 1.0}
    assert data["placement"] == {"server": 0, "generator": 1, "note": "Pinned.", "cores": []}
    assert data["machine"].keys() == {"processor", "cores", "system", "python", "commit"}
    assert data["load"].keys() == {"before", "after"}
    assert data["took"] >= 0
    assert len(data["samples"]) == 8
    assert data["contestants"][1]["versions"].keys() == {"python", "click"}
    results = Results.of(data)
    assert [chapter.name for chapter in results.chapters] == ["one", "two"]
    assert {summary.contestant for summary in results.chapters[0].summaries} == {"raw", "ours"}
    assert results.chapters[0].summaries[0].rounds == 2
