from __future__ import annotations

from benchmarks.notes import chapter_notes, describe_failures, describe_gaps
from benchmarks.results import Failure, Results, Sample
from tests.benchmarks.results_data import results, sample


def notes(found: Results) -> str:
    return "\n".join(chapter_notes(found, found.chapters[-1]))


def test_the_raw_echo_shows_what_the_generator_can_do() -> None:
    text = notes(results(sample("raw", 300), sample("ours", 100), sample("starlette", 20)))
    assert "With raw TCP the same generator reaches 3.0 times the rate that it reaches with emmett" in text
    assert "more than 90%" not in text
    assert "Neither" not in text


def test_a_generator_above_ninety_per_cent_is_reported() -> None:
    text = notes(results(sample("ours", 100, generator=1.82), sample("starlette", 20, generator=1.78)))
    assert "more than 90% of its core with emmett (91%): " in text
    assert "Starlette (" not in text


def test_a_side_that_waited_is_named() -> None:
    text = notes(results(sample("ours", 100), sample("starlette", 20, server=1.2, generator=0.5)))
    assert "had a whole core with Starlette" in text


def test_figures_other_than_rates_are_not_called_limited() -> None:
    found = results(sample("ours", 6000, scenario="memory-5000", server=0.1, generator=1.9, count=5000))
    assert notes(found) == ""


def workers(contestant: str, one: float, two: float, number: int = 0) -> list[Sample]:
    return [
        sample(contestant, one, number, scenario="workers-1"),
        sample(contestant, two, number, scenario="workers-2"),
    ]


def test_two_workers_are_compared_with_one_and_their_limit_is_named() -> None:
    text = notes(results(*workers("ours", 100, 150), *workers("starlette", 10, 19)))
    assert "Two workers against one: emmett 1.50, Starlette 1.90." in text
    assert "There are 2 cores" in text
    enough = results(*workers("ours", 100, 150), placement={"note": "", "cores": [0, 1, 2]})
    assert "There are" not in notes(enough)


def test_fewer_connections_than_planned_are_reported() -> None:
    text = notes(results(sample("ours", 6000, scenario="memory-15000", count=13_200)))
    assert "There were 13,200 connections: the system allows no more open files" in text
    assert "There were" not in notes(results(sample("ours", 6000, scenario="memory-15000", count=15_000)))


def test_a_repeated_failure_is_reported_once() -> None:
    failures = (*[Failure("ours", "echo", "it broke")] * 3, Failure("peer", "installation", "no network"))
    assert describe_failures(failures) == [
        "Failed: ours, echo (3 times): it broke",
        "Failed: peer, installation: no network",
    ]


def test_contestants_that_cannot_do_a_scenario_are_named_with_the_reason() -> None:
    assert describe_gaps(results(sample("ours", 1, scenario="deflate"))) == [
        "Without raw TCP: deflate (does not compress)"
    ]
    assert not describe_gaps(results(sample("ours", 1)))
