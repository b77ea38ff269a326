"""From measurements to coefficients, and from those to a comparison."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.capacity import measure, slow
from benchmarks.capacity.measure import FEW, MANY, Check
from benchmarks.capacity.model import Bounds
from benchmarks.capacity.report import checks_text, coefficients_text, examples_text
from benchmarks.capacity.run import main
from benchmarks.channels.plan import ChannelResult, Delays

PUBLICATION, DELIVERY = 200e-6, 5e-6


def result(subscribers: int, publications: int, *, seconds: float = 4.0) -> ChannelResult:
    """A measurement as it would be if the model were true."""
    memory = {"empty": 40_000_000, "full": 40_000_000 + 6000 * subscribers, "peak": 50_000_000}
    memory |= {"kernel_empty": 10_000, "kernel_full": 10_000 + 8000 * subscribers}
    cpu = publications * (PUBLICATION + subscribers * DELIVERY)
    return ChannelResult(
        publications * subscribers, seconds, cpu, publications * 30e-6, 0.1, 1, {}, memory, {"dropped": 3}
    )


def test_the_coefficients_of_a_world_in_which_the_model_is_true() -> None:
    found = measure.coefficients([result(FEW, 1000)] * 3, [result(MANY, 50)] * 3)
    assert found.delivery_seconds == pytest.approx(DELIVERY)
    assert found.publication_seconds == pytest.approx(PUBLICATION)
    assert found.subscriber_bytes == 6000
    assert found.kernel_bytes == 4000
    assert found.process_bytes == 40_000_000
    assert found.broker_seconds == pytest.approx(30e-6)
    check = measure.check(found, 10_000, 3.0, [result(10_000, 12)])
    assert check.busy == pytest.approx(check.predicted.cpu_share)
    assert check.memory == pytest.approx(check.predicted.process_bytes)
    assert "| 10,000 | 3 | 140.0 | 140.0 | +0% | 15.1% | 15.1% | +0% |" in checks_text([check])
    assert "| a delivery, when no other publication is near | 5.00 µs |" in coefficients_text(found)
    assert "| a message to all, once in 10 s | 100 | connections |" in examples_text(found, Bounds())


def test_figures_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="delivery_seconds is -"):
        measure.coefficients([result(FEW, 1000)], [replace(result(MANY, 50), server_cpu=0.001)])


def test_an_example_that_cannot_be_carried_says_why() -> None:
    found = measure.coefficients([result(FEW, 1000)], [result(MANY, 50)])
    assert "busy beyond its share with hearing" in examples_text(found, Bounds(cpu_share=1e-7))


def test_a_difference_between_model_and_measurement_is_shown() -> None:
    found = measure.coefficients([result(FEW, 1000)], [result(MANY, 50)])
    check = measure.check(found, 1000, 30.0, [result(1000, 120)])
    doubled = Check(check.subscribers, check.pace, check.predicted, check.busy * 2, check.memory * 1.1)
    assert "+10%" in checks_text([doubled])
    assert "+100%" in checks_text([doubled])


def test_a_policy_has_a_row_with_the_ratio_of_its_delays() -> None:
    def with_p99(seconds: float) -> ChannelResult:
        plain = result(100, 10)
        return ChannelResult(
            *(plain.deliveries, 4.0, 1.0, None, 0.1, 1, {"all": Delays(9, 0.01, seconds, 1.0)}, plain.memory),
            {"dropped": 3, "disconnected": 1},
        )

    pairs = [slow.Pair(with_p99(0.02), with_p99(share * 0.02)) for share in (1.5, 1.0, 1.2)]
    assert slow.row("latest", pairs) == [
        *("latest", "10.0", "20.0", "10.0", "24.0", "1.20 (1.00 - 1.50)", "3 / 1", "50.0", "50.0", "25%")
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--parts", "fast"], "'fast' is not among model, slow"),
        (["--subscribers", "3"], "--subscribers"),
        (["--rounds", "0"], "--rounds"),
    ],
)
def test_an_impossible_option_says_what_is_allowed(arguments: list[str], complaint: str) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert complaint in done.output


def test_a_slow_reader_beside_a_few_is_measured_by_the_command(tmp_path: Path) -> None:
    arguments = [
        "--parts",
        "slow",
        "--rounds",
        "1",
        "--seconds",
        "0.5",
        "--subscribers",
        "50",
        "--results",
        str(tmp_path),
    ]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    report = (tmp_path / "slow.txt").read_text()
    for policy in slow.POLICIES:
        assert f"| {policy} |" in report
    assert "50 subscribers on one channel get 800 publications a second" in report
