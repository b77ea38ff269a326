"""Background work: when it runs, how its errors are handled, and that it ends with the application."""

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
from emmett.tasks import FIRST_PAUSE, LEASE, LEASE_PERIOD, MAX_PAUSE, BackgroundWork


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


def test_work_is_registered_on_the_application() -> None:
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


async def test_a_failed_run_does_not_stop_later_runs(caplog: pytest.LogCaptureFixture) -> None:
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


async def test_failed_lasting_work_restarts_after_growing_pauses(caplog: pytest.LogCaptureFixture) -> None:
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


async def test_periodic_work_runs_once_on_all_nodes_and_is_handed_over() -> None:
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


class Leases:
    """Channels of one node, as far as lasting work needs them; all nodes share the leases, on the test's clock."""

    def __init__(self, sleeps: Sleeps, shared: dict[str, tuple[str, float]]) -> None:
        self._sleeps = sleeps
        self._shared = shared
        self.is_away = False

    async def take(self, bucket: str, calls: int, period: float) -> float:
        raise AssertionError("lasting work takes no calls out of buckets")

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        if self.is_away:
            raise BrokerUnavailable("away")
        owner, end = self._shared.get(lease, (holder, 0.0))
        if owner != holder and end > self._sleeps.now:
            return False
        self._shared[lease] = (holder, self._sleeps.now + ttl)
        return True

    async def release(self, lease: str, holder: str) -> None:
        if self.is_away:
            raise BrokerUnavailable("away")
        assert self._shared.pop(lease)[0] == holder


class Workers:
    """Three workers with one background function, and a log of which worker ran it when."""

    def __init__(self) -> None:
        self.sleeps = Sleeps()
        shared: dict[str, tuple[str, float]] = {}
        self.leases = [Leases(self.sleeps, shared) for _ in range(3)]
        self.nodes = [BackgroundWork([each], self.sleeps.sleep, lambda: self.sleeps.now) for each in self.leases]
        self.running: list[int] = []
        self.log: list[tuple[str, int, float]] = []
        for number, node in enumerate(self.nodes):
            node.add_lasting(self.function(number), True, "watch")
            node.start()

    def function(self, number: int) -> Any:
        async def watch() -> None:
            self.running.append(number)
            self.log.append(("began", number, self.sleeps.now))
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.running.remove(number)
                self.log.append(("ended", number, self.sleeps.now))

        return watch

    async def stop(self) -> None:
        for node in self.nodes:
            await node.stop(1.0)


async def test_lasting_work_runs_on_one_worker_and_is_handed_over_when_it_stops() -> None:
    workers = Workers()
    await workers.sleeps.move(20)
    (first,) = workers.running
    await workers.nodes[first].stop(1.0)
    await workers.sleeps.move(LEASE_PERIOD)
    (second,) = workers.running
    assert second != first
    assert workers.log[-1] == ("began", second, 20 + LEASE_PERIOD)
    await workers.stop()
    assert workers.running == []


async def test_a_worker_that_loses_the_broker_stops_before_another_one_starts(caplog: pytest.LogCaptureFixture) -> None:
    workers = Workers()
    await workers.sleeps.move(20)
    (first,) = workers.running
    workers.leases[first].is_away = True
    await workers.sleeps.move(LEASE + LEASE_PERIOD)
    (second,) = workers.running
    (ended, began) = workers.log[-2:]
    assert (ended[:2], began[:2]) == (("ended", first), ("began", second))
    assert ended[2] < began[2] <= 20 + LEASE
    assert "background work 'watch' stops here: another worker may run it now" in caplog.text
    # It gets the work back when no other worker has it.
    workers.leases[first].is_away = False
    for number in {0, 1, 2} - {first}:
        await workers.nodes[number].stop(1.0)
    await workers.sleeps.move(LEASE_PERIOD)
    assert workers.running == [first]
    await workers.stop()


async def test_a_short_broker_outage_changes_nothing() -> None:
    workers = Workers()
    await workers.sleeps.move(20)
    running = list(workers.running)
    for each in workers.leases:
        each.is_away = True
    await workers.sleeps.move(LEASE_PERIOD)
    for each in workers.leases:
        each.is_away = False
    await workers.sleeps.move(20)
    assert workers.running == running
    assert len(workers.log) == 1
    await workers.stop()


async def test_lasting_work_that_has_returned_runs_on_no_other_worker() -> None:
    sleeps, runs = Sleeps(), []
    shared: dict[str, tuple[str, float]] = {}
    nodes = [BackgroundWork([Leases(sleeps, shared)], sleeps.sleep, lambda: sleeps.now) for _ in range(2)]

    async def brief() -> None:
        runs.append(sleeps.now)

    for node in nodes:
        node.add_lasting(brief, True)
        node.start()
    await sleeps.move(60)
    assert runs == [0]
    for node in nodes:
        await node.stop(1.0)


async def test_it_does_not_run_while_the_broker_is_unavailable(caplog: pytest.LogCaptureFixture) -> None:
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


async def test_a_run_must_end_before_another_node_starts_the_next(caplog: pytest.LogCaptureFixture) -> None:
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


async def test_work_that_does_not_stop_is_named(caplog: pytest.LogCaptureFixture) -> None:
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
    with pytest.raises(
        ConfigurationError, match="background work 'sample': once=True with several workers needs channels"
    ):
        work.start()


@pytest.mark.parametrize("every", [0, -1, True, "5", float("inf"), timedelta(0)])
def test_invalid_periods_are_refused(every: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected a number of seconds above 0, or a timedelta"):
        App(__name__).task(every=every)(lambda: None)


def test_names_and_functions_are_checked() -> None:
    app = App(__name__)
    app.task(every=1, name="a")(lambda: None)
    with pytest.raises(ConfigurationError, match="background work 'a': the name is taken"):
        app.task(every=1, name="a")(lambda: None)
    with pytest.raises(ConfigurationError, match="expected an async function"):
        app.background(lambda: None)


async def test_once_works_with_channels_in_memory(caplog: pytest.LogCaptureFixture) -> None:
    app, ran = App(__name__), asyncio.Event()
    Channels(app, "memory")
    app.task(every=60, once=True, name="sample")(ran.set)
    async with app.test_client_async():
        await ran.wait()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
