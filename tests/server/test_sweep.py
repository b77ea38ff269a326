"""The sweep alone, on a clock that the test controls."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Any, cast

import pytest

from emmett.server.sweep import LONGEST_PERIOD, SHORTEST_PERIOD, Sweep


class Timer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """The parts of an event loop that `Sweep` needs, with a clock that the test controls."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._counter = itertools.count()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        assert delay >= 0
        timer = Timer(callback)
        heapq.heappush(self._timers, (self.now + delay, next(self._counter), timer))
        return timer

    @property
    def waiting(self) -> int:
        """The number of timers."""
        return sum(not timer.cancelled for _, _, timer in self._timers)

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                timer.callback()
        self.now = end


class Member:
    """Records when it was checked."""

    def __init__(self) -> None:
        self.looks: list[float] = []

    def sweep(self, now: float) -> None:
        self.looks.append(now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class ProcessSweep(Sweep):
    """A sweep, and the connections that a process adds and removes."""

    def __init__(self, clock: Clock) -> None:
        self.members: set[Any] = set()
        super().__init__(cast(asyncio.AbstractEventLoop, cast(Any, clock)), self.members)

    def add(self, member: object, shortest: float) -> None:
        self.members.add(member)
        self.begin(shortest)

    def discard(self, member: object) -> None:
        self.members.discard(member)


@pytest.fixture
def sweep(clock: Clock) -> ProcessSweep:
    return ProcessSweep(clock)


def test_without_members_there_is_no_timer(sweep: ProcessSweep, clock: Clock) -> None:
    assert clock.waiting == 0


def test_a_member_is_checked_every_period(sweep: ProcessSweep, clock: Clock) -> None:
    member = Member()
    sweep.add(member, 60.0)
    clock.advance(5 * LONGEST_PERIOD)
    assert member.looks == [1000.0 + (number + 1) * LONGEST_PERIOD for number in range(5)]


def test_one_timer_serves_all(sweep: ProcessSweep, clock: Clock) -> None:
    members = [Member() for _ in range(1000)]
    for member in members:
        sweep.add(member, 60.0)
    assert clock.waiting == 1
    clock.advance(LONGEST_PERIOD)
    assert all(len(member.looks) == 1 for member in members)
    assert clock.waiting == 1


@pytest.mark.parametrize(
    ("shortest", "period"), [(2.0, 0.5), (0.4, 0.1), (100.0, LONGEST_PERIOD), (0.001, SHORTEST_PERIOD)]
)
def test_a_deadline_is_noticed_at_most_a_quarter_late(
    sweep: ProcessSweep, clock: Clock, shortest: float, period: float
) -> None:
    member = Member()
    sweep.add(member, shortest)
    clock.advance(period * 1.01)
    assert member.looks == [pytest.approx(1000.0 + period)]


def test_the_shortest_deadline_decides_for_all(sweep: ProcessSweep, clock: Clock) -> None:
    patient, hasty = Member(), Member()
    sweep.add(patient, 60.0)
    clock.advance(LONGEST_PERIOD * 0.9)
    sweep.add(hasty, 0.4)
    assert clock.waiting == 1
    clock.advance(0.101)
    assert len(patient.looks) == len(hasty.looks) == 1
    sweep.add(Member(), 60.0)
    clock.advance(1.0)
    assert len(patient.looks) == 11


def test_a_removed_member_is_no_longer_checked(sweep: ProcessSweep, clock: Clock) -> None:
    gone, here = Member(), Member()
    sweep.add(gone, 60.0)
    sweep.add(here, 60.0)
    clock.advance(LONGEST_PERIOD)
    sweep.discard(gone)
    sweep.discard(gone)
    clock.advance(LONGEST_PERIOD)
    assert (len(gone.looks), len(here.looks)) == (1, 2)


def test_the_timer_ends_with_the_last_member_and_starts_with_the_next(sweep: ProcessSweep, clock: Clock) -> None:
    hasty = Member()
    sweep.add(hasty, 0.4)
    sweep.discard(hasty)
    clock.advance(10.0)
    assert (hasty.looks, clock.waiting) == ([], 0)
    patient = Member()
    sweep.add(patient, 60.0)
    clock.advance(LONGEST_PERIOD)
    # The short period is gone with the member that needed it.
    assert len(patient.looks) == 1


def test_members_may_be_added_and_removed_during_a_sweep(sweep: ProcessSweep, clock: Clock) -> None:
    late = Member()

    class Leaving(Member):
        def sweep(self, now: float) -> None:
            super().sweep(now)
            sweep.discard(self)
            sweep.add(late, 60.0)

    leaving = [Leaving() for _ in range(3)]
    for member in leaving:
        sweep.add(member, 60.0)
    clock.advance(3 * LONGEST_PERIOD)
    assert [len(member.looks) for member in leaving] == [1, 1, 1]
    assert len(late.looks) == 2
    assert clock.waiting == 1


def test_a_failing_member_does_not_affect_the_others(
    sweep: ProcessSweep, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Member):
        def sweep(self, now: float) -> None:
            super().sweep(now)
            raise RuntimeError("a fault of ours")

    members = [Member(), Failing(), Member()]
    for member in members:
        sweep.add(member, 60.0)
    clock.advance(2 * LONGEST_PERIOD)
    assert [len(member.looks) for member in members] == [2, 2, 2]
    assert sum("could not be checked" in record.getMessage() for record in caplog.records) == 2
