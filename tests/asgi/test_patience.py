"""A limit for each of many waits, on a loop whose clock the test sets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from emmett.asgi.patience import Patience
from tests.websockets.memory_connection import turns


class Timer:
    def __init__(self, at: float, callback: Callable[[], object]) -> None:
        self.at = at
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """The part of a loop that gives time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        self.timers.append(Timer(when, callback))
        return self.timers[-1]

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        return self.call_at(self.now + delay, callback)

    def pass_to(self, now: float) -> None:
        self.now = now
        due = [timer for timer in self.timers if timer.at <= now and not timer.cancelled]
        self.timers = [timer for timer in self.timers if timer.at > now and not timer.cancelled]
        for timer in due:
            timer.callback()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def patience(clock: Any) -> Patience:
    return Patience(clock, 10.0)


async def test_waits_that_end_in_time_share_a_timer(clock: Clock, patience: Patience) -> None:
    for now in range(5):
        clock.now = now
        assert await patience.wait(asyncio.sleep(0))
    assert [timer.at for timer in clock.timers] == [10]
    clock.pass_to(10)
    assert clock.timers == []


async def test_a_wait_that_is_too_long_is_cancelled_at_its_own_limit(clock: Clock, patience: Patience) -> None:
    await patience.wait(asyncio.sleep(0))
    clock.now = 4
    event = asyncio.Event()
    task = asyncio.create_task(patience.wait(event.wait()))
    await turns()
    clock.pass_to(10)
    await turns()
    assert not task.done()
    assert [timer.at for timer in clock.timers] == [14]
    clock.pass_to(14)
    assert not await task
    assert not task.cancelling()
    assert clock.timers == []


async def test_a_task_that_is_cancelled_by_others_is_cancelled(clock: Clock, patience: Patience) -> None:
    for expires in (False, True):
        task = asyncio.create_task(patience.wait(asyncio.Event().wait()))
        await turns()
        if expires:
            clock.pass_to(clock.now + 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 1


async def test_errors_pass_through(patience: Patience) -> None:
    async def fail() -> None:
        raise TimeoutError("the server's own")

    with pytest.raises(TimeoutError, match="own"):
        await patience.wait(fail())


async def test_what_ends_in_spite_of_its_cancellation_has_ended(clock: Clock, patience: Patience) -> None:
    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    task = asyncio.create_task(patience.wait(stubborn()))
    await turns()
    clock.pass_to(10)
    assert await task
    assert not task.cancelling()


async def test_no_timer_is_left_when_it_is_stopped(clock: Clock, patience: Patience) -> None:
    await patience.wait(asyncio.sleep(0))
    patience.stop()
    assert clock.timers[0].cancelled
    # A task of the application can still be sending.
    await patience.wait(asyncio.sleep(0))
    assert clock.timers[1].cancelled


async def test_a_wait_keeps_its_limit_when_it_is_stopped(clock: Clock, patience: Patience) -> None:
    task = asyncio.create_task(patience.wait(asyncio.Event().wait()))
    await turns()
    patience.stop()
    clock.pass_to(10)
    assert not await task
