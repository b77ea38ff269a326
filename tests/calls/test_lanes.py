from typing import cast

from emmett.calls.lanes import Lane
from emmett.calls.running import RunningCall


def call(name: str) -> RunningCall:
    return cast(RunningCall, name)


def name_of(call: RunningCall | None) -> str | None:
    return cast("str | None", call)


def test_calls_of_a_lane_run_one_at_a_time_in_order() -> None:
    lane = Lane()
    assert lane.enter(call("first"))
    assert not lane.enter(call("second"))
    assert not lane.enter(call("third"))
    assert name_of(lane.leave()) == "second"
    assert not lane.enter(call("fourth"))
    assert [name_of(lane.leave()) for _ in range(3)] == ["third", "fourth", None]
    assert lane.enter(call("fifth"))
