"""Plans, results and delays survive the way to another process."""

from __future__ import annotations

import msgspec
import pytest

from benchmarks.channels.plan import ChannelPlan, ChannelResult, Delays, percentile


def test_a_plan_survives_json() -> None:
    sent = ChannelPlan(ports=(1, 2), room="plain:a", subscribers=20, servers=(3,), pace=4.0, slow=True, broker=9)
    assert msgspec.json.decode(msgspec.json.encode(sent), type=ChannelPlan) == sent


def test_a_result_survives_json() -> None:
    result = ChannelResult(5, 1.0, 0.1, None, 0.2, 1, {"all": Delays(5, 0.1, 0.2, 0.3)}, {"empty": 1}, {"gaps": 0})
    assert msgspec.json.decode(msgspec.json.encode(result), type=ChannelResult) == result


def test_delays_are_ranked() -> None:
    delays = Delays.of([value / 1000 for value in range(200, 0, -1)])
    assert delays == Delays(200, 0.1, 0.198, 0.2)
    assert Delays.of([]) is None
    assert Delays.of([0.5]) == Delays(1, 0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.25, 1.0), (0.26, 2.0), (0.5, 2.0), (0.99, 4.0), (1.0, 4.0)]
)
def test_a_percentile_is_a_measured_value(share: float, value: float) -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], share) == value
