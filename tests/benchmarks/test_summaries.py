from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.results import Sample, Spread, Summary, paired, spread, summarise


def sample(
    contestant: str, round_number: int, messages: int, *, cpu: float | None = 1.0, scenario: str = "echo"
) -> Sample:
    return Sample(
        messages / 2,
        messages,
        2.0,
        cpu,
        0.5,
        messages * 66,
        scenario=scenario,
        contestant=contestant,
        round_number=round_number,
    )


def summary(samples: list[Sample], contestant: str, base: str = "ours") -> Summary:
    result = summarise(samples, "echo", contestant, base)
    assert result is not None
    return result


def test_a_sample_gives_the_cost_of_a_message() -> None:
    assert sample("ours", 0, 1000, cpu=1.5).cpu_per_one == pytest.approx(0.0015)
    assert sample("ours", 0, 1000, cpu=None).cpu_per_one is None


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ([3.0], Spread(3.0, 3.0, 3.0)),
        ([9.0, 1.0, 2.0], Spread(2.0, 1.0, 9.0)),
        ([4.0, 1.0, 2.0, 9.0], Spread(3.0, 1.0, 9.0)),
        ([], None),
        ([1.0, None], None),
    ],
)
def test_a_spread_has_the_median_the_lowest_and_the_highest_value(
    figures: list[float | None], expected: Spread | None
) -> None:
    assert spread(figures) == expected


def test_a_summary_covers_only_its_own_scenario_and_contestant() -> None:
    samples = [
        sample("ours", 0, 200),
        sample("ours", 1, 400),
        sample("ours", 0, 9_999, scenario="other"),
        sample("peer", 0, 7_777),
    ]
    ours = summary(samples, "ours")
    assert ours.rounds == 2
    assert ours.value == Spread(150.0, 100.0, 200.0)
    assert ours.cpu_per_one == Spread(0.00375, 0.0025, 0.005)
    assert ours.server_busy == 0.5
    assert ours.generator_busy == 0.25


def test_ratios_are_taken_round_by_round() -> None:
    # The machine was ten times slower in round 1. Ours is twice as fast in both rounds, so the ratio is 2.
    samples = [
        sample("ours", 0, 2000),
        sample("peer", 0, 1000),
        sample("ours", 1, 200),
        sample("peer", 1, 100),
    ]
    peer = summary(samples, "peer")
    assert peer.ratio == Spread(2.0, 2.0, 2.0)


def test_a_ratio_is_below_one_where_the_base_is_slower() -> None:
    samples = [sample("ours", 0, 700), sample("raw", 0, 1000)]
    raw = summary(samples, "raw")
    assert raw.ratio == Spread(0.7, 0.7, 0.7)


def test_ratios_use_the_rounds_in_which_both_were_measured() -> None:
    samples = [sample("ours", 0, 300), sample("ours", 2, 900), sample("peer", 1, 100), sample("peer", 2, 300)]
    assert summary(samples, "peer").ratio == Spread(3.0, 3.0, 3.0)


def test_no_ratio_without_a_common_round() -> None:
    samples = [sample("ours", 0, 300), sample("peer", 1, 100)]
    peer = summary(samples, "peer")
    assert peer.ratio is None
    assert peer.value.median == 50


def test_unknown_cpu_time_does_not_affect_the_rates() -> None:
    samples = [sample("ours", 0, 300, cpu=None), sample("peer", 0, 100, cpu=None)]
    peer = summary(samples, "peer")
    assert (peer.cpu_per_one, peer.server_busy) == (None, None)
    assert peer.ratio == Spread(3.0, 3.0, 3.0)


def test_without_samples_there_is_no_summary() -> None:
    assert summarise([sample("ours", 0, 1)], "echo", "peer", "ours") is None


def test_where_less_is_better_the_ratio_is_above_one_if_the_base_is_better() -> None:
    samples = [sample("ours", 0, 100), sample("peer", 0, 400)]
    peer = summarise(samples, "echo", "peer", "ours", higher_is_better=False)
    assert peer is not None
    assert peer.ratio == Spread(4.0, 4.0, 4.0)


def test_a_scenario_without_a_generator_has_no_generator_share() -> None:
    one = replace(sample("ours", 0, 100), generator_cpu=None)
    assert summary([one], "ours").generator_busy is None


def test_samples_of_the_same_round_are_paired() -> None:
    samples = [sample("ours", number, 100 + number) for number in (0, 2, 1)] + [sample("peer", 2, 5)]
    ((mine, theirs),) = paired(samples, ("echo", "ours"), ("echo", "peer"))
    assert (mine.count, theirs.count) == (102, 5)
