"""Sessions of open websockets that expire: found in time, with one timer, and not too early."""

from __future__ import annotations

import asyncio
import logging

import pytest

from emmett.sessions.expiry import RETRY, ExpiryWatch
from emmett.sessions.ports import StoreUnavailable
from tests.sessions.visiting import Clock


class Watched:
    """A watch, its clock, the answers of a store, and the closed sessions."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.start = self.clock.now
        self.store: dict[str, float] = {}
        self.asked: list[str] = []
        self.closed: list[str] = []
        self.is_away = False
        self.watch = ExpiryWatch(self.clock, self.check, self.closed.append)

    async def check(self, id: str) -> float | None:
        self.asked.append(id)
        if self.is_away:
            raise StoreUnavailable
        return self.store.get(id)

    async def at(self, seconds: float) -> list[str]:
        self.clock.now = self.start + seconds
        await self.watch.look()
        closed, self.closed[:] = list(self.closed), []
        return closed


async def test_an_expired_session_is_closed_once() -> None:
    watched = Watched()
    for id, seconds in (("ada", 10), ("bob", 20.5), ("cyd", 20.2)):
        watched.watch.watch(id, watched.start + seconds)
    assert await watched.at(9) == []
    assert watched.asked == []
    assert await watched.at(10) == ["ada"]
    assert await watched.at(20) == []
    assert sorted(await watched.at(21)) == ["bob", "cyd"]
    assert len(watched.watch) == 0
    assert await watched.at(100) == []


async def test_a_session_extended_in_the_store_is_still_watched() -> None:
    watched = Watched()
    watched.watch.watch("ada", watched.start + 10)
    watched.store["ada"] = watched.start + 30
    assert await watched.at(10) == []
    del watched.store["ada"]
    assert await watched.at(29) == []
    assert await watched.at(30) == ["ada"]
    assert watched.asked == ["ada", "ada"]


async def test_sessions_can_be_extended_moved_and_removed() -> None:
    watched = Watched()
    for id in ("ada", "bob", "cyd"):
        watched.watch.watch(id, watched.start + 10)
    watched.watch.extend("ada", watched.start + 50)
    watched.watch.extend("ada", watched.start + 20)
    watched.watch.extend("unknown", watched.start + 20)
    watched.watch.move("bob", "new bob", watched.start + 40)
    watched.watch.move("unknown", "new", watched.start + 40)
    watched.watch.forget("cyd")
    assert len(watched.watch) == 2
    assert await watched.at(39) == []
    assert await watched.at(50) == ["new bob", "ada"]


async def test_an_unavailable_store_closes_nothing() -> None:
    watched = Watched()
    watched.watch.watch("ada", watched.start + 10)
    watched.is_away = True
    assert await watched.at(10) == []
    watched.is_away = False
    assert await watched.at(10 + RETRY / 2) == []
    assert await watched.at(10 + RETRY) == ["ada"]


async def test_there_is_one_timer_for_all_sessions_and_none_without_sessions() -> None:
    watched = Watched()
    loop = asyncio.get_running_loop()
    timers: list[float] = []
    call_later = loop.call_later

    def count(delay: float, *arguments: object) -> asyncio.TimerHandle:
        timers.append(delay)
        return call_later(delay, *arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "call_later", count, raising=False)
        for number in range(1000):
            watched.watch.watch(str(number), watched.start + 100 + number % 60)
        assert len(timers) == 1
        # An earlier expiry moves it.
        watched.watch.watch("soon", watched.start + 50)
        assert timers == [100, 50]
    for number in range(1000):
        watched.watch.forget(str(number))
    watched.watch.forget("soon")
    assert len(watched.watch) == 0
    assert watched.watch._timer is None


async def test_the_timer_closes_expired_sessions(caplog: pytest.LogCaptureFixture) -> None:
    watched, done = Watched(), asyncio.Event()

    def close(id: str) -> None:
        if id == "broken":
            raise LookupError("on purpose")
        done.set()

    watched.watch = ExpiryWatch(watched.clock, watched.check, close)
    watched.watch.watch("broken", watched.start)
    watched.watch.watch("ada", watched.start)
    await done.wait()
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == [
        "the check for expired sessions failed"
    ] or not caplog.records
