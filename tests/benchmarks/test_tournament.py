from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import tournament as module
from benchmarks.contestants import Contestant
from benchmarks.environments import EnvironmentUnavailable
from benchmarks.measure import Timing
from benchmarks.placement import Placement
from benchmarks.plan import LoadFailed
from benchmarks.report import Failure, Sample
from benchmarks.scenarios import EchoScenario
from benchmarks.tournament import Tournament, rotated

ONE, TWO = EchoScenario("one", "One", 1, 1, 64), EchoScenario("two", "Two", 2, 2, 64)


def contestant(name: str) -> Contestant:
    return Contestant(name, name.title(), lambda python, port: [python, str(port)], ("click",))


def tournament(*names: str, rounds: int = 2) -> Tournament:
    contestants = [contestant(name) for name in names]
    return Tournament(contestants, [ONE, TWO], rounds, Timing(0.1, 1.0), Placement(0, 1, "Pinned."))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str, str]]:
    """Measurements cost nothing and fail for the contestant `broken`; the list says in which order they came."""
    order: list[tuple[int, str, str]] = []

    def measure(
        contestant: Contestant, python: str, scenario: EchoScenario, timing: Timing, placement: Placement, number: int
    ) -> Sample:
        order.append((number, scenario.name, contestant.name))
        if contestant.name == "broken":
            raise LoadFailed("no answer")
        return Sample(scenario.name, contestant.name, number, 100, timing.seconds, 0.5, 0.25, 6600)

    monkeypatch.setattr(module, "measure", measure)
    return order


def ignore(text: str) -> None:
    assert text


def run(tournament: Tournament, announce: Callable[[str], None] = ignore) -> Tournament:
    tournament.prepare(announce)
    tournament.measure(announce)
    return tournament


def test_contestants_take_turns_in_each_scenario_and_another_one_begins_each_round(
    measured: list[tuple[int, str, str]],
) -> None:
    run(tournament("raw", "ours"))
    assert measured == [
        (0, "one", "raw"),
        (0, "one", "ours"),
        (0, "two", "raw"),
        (0, "two", "ours"),
        (1, "one", "ours"),
        (1, "one", "raw"),
        (1, "two", "ours"),
        (1, "two", "raw"),
    ]


def test_rotation_keeps_everybody() -> None:
    contestants = [contestant(name) for name in "abc"]
    assert ["".join(c.name for c in rotated(contestants, by)) for by in range(4)] == ["abc", "bca", "cab", "abc"]
    assert rotated([], 3) == []


@pytest.mark.usefixtures("measured")
def test_ratios_refer_to_ours_or_to_the_first_that_was_measured() -> None:
    assert run(tournament("raw", "ours")).base == "ours"
    assert run(tournament("broken", "raw", "peer")).base == "raw"


@pytest.mark.usefixtures("measured")
def test_a_failed_measurement_does_not_end_the_others() -> None:
    result = run(tournament("broken", "ours", rounds=1))
    assert [sample.contestant for sample in result.samples] == ["ours", "ours"]
    assert result.failures == [Failure("broken", "one", "no answer"), Failure("broken", "two", "no answer")]
    assert [summary.contestant for summary in result.summaries(ONE)] == ["ours"]


def test_one_that_cannot_be_installed_is_left_out(
    measured: list[tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(self: Contestant) -> str:
        if self.name == "peer":
            raise EnvironmentUnavailable("no network")
        return "python"

    monkeypatch.setattr(Contestant, "prepare", prepare)
    result = run(tournament("ours", "peer", rounds=1))
    assert {name for _, _, name in measured} == {"ours"}
    assert result.failures == [Failure("peer", "installation", "no network")]


@pytest.mark.usefixtures("measured")
def test_json_has_all_that_is_needed_to_judge_the_figures() -> None:
    result = run(tournament("raw", "ours")).as_json()
    assert result["base"] == "ours"
    assert result["rounds"] == 2
    assert result["timing"] == {"warm_up": 0.1, "seconds": 1.0}
    assert result["placement"] == {"server": 0, "generator": 1, "note": "Pinned."}
    assert isinstance(result["samples"], list)
    assert len(result["samples"]) == 8
    assert result["samples"][0]["messages"] == 100
    assert isinstance(result["summaries"], list)
    assert [(s["scenario"], s["contestant"], s["rate"]["median"]) for s in result["summaries"]] == [
        ("one", "raw", 100.0),
        ("one", "ours", 100.0),
        ("two", "raw", 100.0),
        ("two", "ours", 100.0),
    ]
    assert isinstance(result["versions"], dict)
    assert result["versions"]["ours"].keys() == {"python", "click"}
    assert isinstance(result["machine"], dict)
    assert result["machine"].keys() == {"processor", "cores", "system", "python", "commit"}
