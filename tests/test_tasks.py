"""Background work: when it runs, what becomes of its errors, and that it ends with the application."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from datetime import timedelta
from typing import Any

import pytest

from emmett import App, Channels
from emmett.environment import WORKERS
from emmett.errors import BrokerUnavailable, ConfigurationError
from emmett.tasks import FIRST_PAUSE, MAX_PAUSE, BackgroundWork


class Sleeps:
    """A clock that a test moves: sleepers wake in the order of their time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[float] = []
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.now + seconds, next(self._numbers), future))
        await future

    async def move(self, seconds: float) -> None:
        end = self.now + seconds
        await settle()
        while self._waiting and self._waiting[0][0] <= end:
            self.now, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)
            await settle()
        self.now = end


class Buckets:
    """Channels of several nodes, as far as periodic work needs them: one call in each period, on the test's clock."""

    def __init__(self, sleeps: Sleeps) -> None:
        self._sleeps = sleeps
        self._next: dict[str, float] = {}
        self.is_away = False

    async def take(self, bucket: str, calls: int, period: float) -> float:
        if self.is_away:
            raise BrokerUnavailable("away")
        assert calls == 1
        wait = self._next.get(bucket, 0.0) - self._sleeps.now
        if wait > 0:
            return wait
        self._next[bucket] = self._sleeps.now + period
        return 0.0


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_it_is_registered_on_the_application() -> None:
    app, ran = App(__name__), []

    @app.task(every=60)
    def plain() -> None:
        ran.append("plain")

    @app.task(every=timedelta(hours=1), name="renamed")
    async def periodic() -> None:
        ran.append("periodic")

    @app.background
    async def lasting() -> None:
        ran.append("lasting")
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ran.append("cancelled")

    @app.on_shutdown
    def end() -> None:
        ran.append("shutdown")

    @app.on_startup
    def begin() -> None:
        ran.append("startup")

    with app.test_client() as client:
        assert client.get("/").status == 404
    assert ran[0] == "startup"
    assert sorted(ran[1:4]) == ["lasting", "periodic", "plain"]
    assert ran[4:] == ["cancelled", "shutdown"]


async def test_a_run_that_fails_does_not_end_the_others(caplog: pytest.LogCaptureFixture) -> None:
    sleeps = Sleeps()
    work = BackgroundWork([], sleeps.sleep)
    runs: list[str] = []

    def broken() -> None:
        runs.append("broken")
        raise LookupError("a mistake")

    work.add_periodic(broken, 10, False, "broken")
    work.add_periodic(lambda: runs.append("other"), 25, False, "other")
    work.start()
    await sleeps.move(30)
    assert runs.count("broken") == 4
    assert runs.count("other") == 2
    await work.stop(1.0)
    assert caplog.text.count("task 'broken' failed; it runs again in its next period") == 4
    assert caplog.text.count("LookupError: a mistake") == 4


async def test_lasting_work_that_fails_starts_again_after_growing_pauses(caplog: pytest.LogCaptureFixture) -> None:
    sleeps = Sleeps()
    work = BackgroundWork([], sleeps.sleep)

    async def broken() -> None:
        raise LookupError

    async def brief() -> None:
        pass

    work.add_lasting(broken)
    work.add_lasting(brief)
    work.start()
    await sleeps.move(400)
    await work.stop(1.0)
    assert sleeps.asked[:9] == [min(FIRST_PAUSE * 2**n, MAX_PAUSE) for n in range(9)]
    assert "brief" not in caplog.text


async def test_once_on_all_nodes_and_handed_over() -> None:
    sleeps = Sleeps()
    buckets = Buckets(sleeps)
    runs: list[tuple[float, int]] = []
    nodes = []
    for number in range(3):
        node = BackgroundWork([buckets], sleeps.sleep)
        node.add_periodic(lambda number=number: runs.append((sleeps.now, number)), 10, True, "sample")  # type: ignore[misc]
        node.start()
        nodes.append(node)
    await sleeps.move(25)
    assert [at for at, _ in runs] == [0, 10, 20]
    last = runs[-1][1]
    await nodes.pop(last).stop(1.0)
    await sleeps.move(20)
    assert [at for at, _ in runs] == [0, 10, 20, 30, 40]
    assert last not in {number for _, number in runs[3:]}
    for node in nodes:
        await node.stop(1.0)


async def test_while_the_broker_is_away_it_does_not_run(caplog: pytest.LogCaptureFixture) -> None:
    sleeps = Sleeps()
    buckets = Buckets(sleeps)
    buckets.is_away = True
    runs: list[float] = []
    work = BackgroundWork([buckets], sleeps.sleep)
    work.add_periodic(lambda: runs.append(sleeps.now), 10, True, "sample")
    work.start()
    await sleeps.move(25)
    assert runs == []
    buckets.is_away = False
    await sleeps.move(10)
    assert runs == [30]
    await work.stop(1.0)
    assert caplog.text.count("task 'sample' does not run: away") == 1


async def test_a_run_must_end_before_another_node_has_the_next(caplog: pytest.LogCaptureFixture) -> None:
    sleeps = Sleeps()
    work = BackgroundWork([], sleeps.sleep)
    cancelled = asyncio.Event()

    async def long() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    work.add_periodic(long, 0.01, True, "long")
    work.start()
    await cancelled.wait()
    await settle()
    await work.stop(1.0)
    assert "task 'long' was cancelled: it did not end within its period of 0.01 s" in caplog.text


async def test_work_that_does_not_end_is_named(caplog: pytest.LogCaptureFixture) -> None:
    work, release = BackgroundWork([]), asyncio.Event()
    done = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        done.set()

    work.add_lasting(stubborn)
    work.start()
    await settle()
    await work.stop(0.01)
    assert "stubborn: it was cancelled and has not ended for 0.01 s" in caplog.text
    release.set()
    await done.wait()
    await settle()


def test_once_with_several_workers_needs_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKERS, "2")
    work = BackgroundWork([])
    work.add_periodic(lambda: None, 10, True, "sample")
    with pytest.raises(ConfigurationError, match="task 'sample': once=True with several workers needs channels"):
        work.start()


@pytest.mark.parametrize("every", [0, -1, True, "5", float("inf"), timedelta(0)])
def test_what_is_no_period(every: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected a number of seconds above 0, or a timedelta"):
        App(__name__).task(every=every)(lambda: None)


def test_names_and_functions_are_checked() -> None:
    app = App(__name__)
    app.task(every=1, name="a")(lambda: None)
    with pytest.raises(ConfigurationError, match="background work 'a': the name is taken"):
        app.task(every=1, name="a")(lambda: None)
    with pytest.raises(ConfigurationError, match="expected an async function"):
        app.background(lambda: None)


async def test_with_channels_in_memory(caplog: pytest.LogCaptureFixture) -> None:
    app, ran = App(__name__), asyncio.Event()
    Channels(app, "memory")
    app.task(every=60, once=True, name="sample")(ran.set)
    async with app.test_client_async():
        await ran.wait()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
