"""From measurements to coefficients, and from those to a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from benchmarks.capacity import measure, slow
from benchmarks.capacity.measure import FEW, MANY, coefficients_text, examples_text
from benchmarks.capacity.model import Bounds
from benchmarks.channels import measure as channels
from benchmarks.channels.layouts import RunningServers
from benchmarks.channels.plan import ChannelPlan, ChannelResult, Delays
from benchmarks.machine import current_placement
from benchmarks.stage import Timing

PUBLICATION, DELIVERY = 200e-6, 5e-6


def result(subscribers: int, publications: int, *, seconds: float = 4.0) -> ChannelResult:
    """A measurement as it would be if the model were true."""
    memory = {"empty": 40_000_000, "full": 40_000_000 + 6000 * subscribers, "peak": 50_000_000}
    memory |= {"kernel_empty": 10_000, "kernel_full": 10_000 + 8000 * subscribers}
    cpu = publications * (PUBLICATION + subscribers * DELIVERY)
    return ChannelResult(
        publications * subscribers, seconds, cpu, publications * 30e-6, 0.1, 1, {}, memory, {"dropped": 3}
    )


def test_the_coefficients_follow_from_measurements_that_fit_the_model() -> None:
    found = measure.coefficients([result(FEW, 1000)] * 3, [result(MANY, 50)] * 3)
    assert found.delivery_seconds == pytest.approx(DELIVERY)
    assert found.publication_seconds == pytest.approx(PUBLICATION)
    assert found.subscriber_bytes == 6000
    assert found.kernel_bytes == 4000
    assert found.process_bytes == 40_000_000
    assert found.broker_seconds == pytest.approx(30e-6)
    cells = ["10,000", "3", "140.0", "140.0", "+0%", "15.1%", "15.1%", "+0%"]
    assert measure.check(found, 10_000, 3.0, [result(10_000, 12)]) == cells
    assert "| a delivery, when no other publication is near | 5.00 µs |" in coefficients_text(found)
    assert "| a message to all, once in 10 s | 100 | connections |" in examples_text(found, Bounds())


def test_figures_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="delivery_seconds is -"):
        measure.coefficients([result(FEW, 1000)], [replace(result(MANY, 50), server_cpu=0.001)])


def test_an_impossible_example_gives_the_reason() -> None:
    found = measure.coefficients([result(FEW, 1000)], [result(MANY, 50)])
    assert "busy beyond its share with hearing" in examples_text(found, Bounds(cpu_share=1e-7))


def test_a_difference_between_model_and_measurement_is_shown() -> None:
    found = measure.coefficients([result(FEW, 1000)], [result(MANY, 50)])
    assert measure.check(found, 1000, 30.0, [result(1000, 240)])[-1] == "+100%"
    memory = {**result(1000, 120).memory, "full": 50_600_000}
    assert measure.check(found, 1000, 30.0, [replace(result(1000, 120), memory=memory)])[4] == "+9%"


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


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[ChannelPlan]:
    """The plans of all measurements, with a server and a generator that follow the model instead of real ones."""
    plans: list[ChannelPlan] = []

    def generate(plan: ChannelPlan, cores: set[int] | None) -> ChannelResult:
        plans.append(plan)
        found = result(plan.subscribers, max(1, round(plan.pace * plan.seconds)), seconds=plan.seconds)
        return replace(found, delays={"all": Delays(9, 0.01, 0.02, 1.0)}, stats={"dropped": 3, "disconnected": 1})

    @contextmanager
    def serving(*arguments: object) -> Iterator[RunningServers]:
        yield RunningServers((1,), (2,))

    monkeypatch.setattr(channels, "generate", generate)
    monkeypatch.setattr(channels, "serving", serving)
    monkeypatch.setattr(channels, "allow_files", lambda connections: connections)
    return plans


def test_each_policy_is_measured_without_and_with_a_subscriber_that_reads_nothing(measured: list[ChannelPlan]) -> None:
    said: list[str] = []
    text, data = slow.measure(2, 50, Timing(0.1, 0.5), current_placement(), said.append)
    assert [(plan.room, plan.slow) for plan in measured[:6]] == [
        (f"{policy}:all", with_it) for policy in slow.POLICIES for with_it in (False, True)
    ]
    assert len(measured) == 12
    assert "50 subscribers on one channel get 800 publications a second; one more reads nothing" in text
    assert all(f"| {policy} |" in text for policy in slow.POLICIES)
    assert set(data["samples"]) == set(slow.POLICIES)
    assert said[-1] == "round 2 of 2: a slow reader, latest"


def test_the_model_is_measured_and_checked(measured: list[ChannelPlan]) -> None:
    text, data = measure.measure(1, 1000, Timing(0.1, 100.0), current_placement(), str)
    assert [plan.subscribers for plan in measured] == [FEW, MANY, 1000]
    assert data["coefficients"]["subscriber_bytes"] == 6000
    assert "| 1,000 | 30 |" in text
