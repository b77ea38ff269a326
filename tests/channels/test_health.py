"""Checks: when they run, what they try, and when a start fails for good."""

from __future__ import annotations

import asyncio
import logging

import pytest

from emmett import Channels
from emmett.channels.brokers.port import Needs
from emmett.channels.health import HealthCheck, find_needs
from emmett.channels.namespaces import Namespaces
from emmett.channels.tasks import Tasks
from emmett.errors import BrokerRefused, BrokerUnavailable
from tests.channels.kit import TestBroker, running, until


def test_the_needs_of_an_application_follow_from_its_namespaces() -> None:
    namespaces = Namespaces()
    assert find_needs(namespaces) == Needs(False, False)
    namespaces.declare("ticks", {"queue_messages": 5})
    assert find_needs(namespaces) == Needs(False, False)
    namespaces.declare("room", {"history": 5})
    assert find_needs(namespaces) == Needs(True, False)
    namespaces.declare("hall", {"presence": True})
    assert find_needs(namespaces) == Needs(True, True)


async def test_concurrent_callers_share_a_check() -> None:
    broker = TestBroker()
    async with running(broker) as channels:
        broker.calls.clear()
        gate = broker.close_gate("check")
        asking = [asyncio.create_task(channels.check()) for _ in range(100)]
        await until(lambda: broker.at_work)
        gate.set()
        assert all([(await task).ok for task in asking])
        assert broker.named("check") == [Needs(history=True)]
        assert (await channels.check()).ok
        assert len(broker.named("check")) == 2


async def test_a_cancelled_caller_does_not_end_the_check_of_others() -> None:
    broker = TestBroker()
    async with running(broker) as channels:
        gate = broker.close_gate("check")
        first, second = asyncio.create_task(channels.check()), asyncio.create_task(channels.check())
        await until(lambda: broker.at_work)
        first.cancel()
        gate.set()
        assert (await second).ok


async def test_a_check_has_a_deadline() -> None:
    broker, tasks = TestBroker(), Tasks()
    broker.close_gate("check")
    with pytest.raises(BrokerUnavailable, match="did not finish the check within 0 s"):
        await HealthCheck(broker, Needs(), tasks, timeout=0).run()
    await tasks.cancel()


async def test_the_findings_of_a_check_are_reported_each_time() -> None:
    broker = TestBroker()
    async with running(broker) as channels:
        broker.check_errors += [BrokerRefused("no permission"), BrokerUnavailable("memory is full")]
        assert (await channels.check()).problems == ["no permission"]
        health = await channels.check()
        assert (health.ok, health.round_trip, health.problems) == (False, None, ["memory is full"])
        assert (await channels.check()).ok


async def test_a_stop_ends_a_check() -> None:
    broker = TestBroker()
    async with running(broker) as channels:
        broker.close_gate("check")
        asking = asyncio.create_task(channels.check())
        await until(lambda: broker.at_work)
    assert (await asking).problems == ["the channels have stopped"]


class TestStart:
    @pytest.mark.parametrize("where", ["start_errors", "check_errors"])
    async def test_a_refusal_ends_the_start_at_once(self, where: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        broker = TestBroker()
        getattr(broker, where).append(BrokerRefused("wrong password"))
        with pytest.raises(BrokerRefused, match="wrong password"):
            await Channels(None, broker, start_timeout=3600).startup()
        assert [name for name, _ in broker.calls].count("start") == 1
        assert broker.calls[-1][0] == "stop"
        assert caplog.records == []

    async def test_temporary_failures_are_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("random.random", lambda: 0.0)
        broker = TestBroker()
        broker.start_errors += [BrokerUnavailable("nobody listens")] * 3
        broker.check_errors.append(BrokerUnavailable("memory is full"))
        channels = Channels(None, broker)
        await channels.startup()
        assert [name for name, _ in broker.calls] == [*["start"] * 4, "check", "check"]
        assert [line.getMessage().partition(";")[0] for line in caplog.records] == ["nobody listens", "memory is full"]
        await channels.shutdown()

    async def test_a_lasting_failure_is_an_error_and_leaves_nothing(self) -> None:
        broker = TestBroker()
        broker.check_errors += [BrokerUnavailable("memory is full")] * 2
        channels = Channels(None, broker, start_timeout=0.0)
        for _ in range(2):
            with pytest.raises(BrokerUnavailable, match="memory is full"):
                await channels.startup()
            assert broker.calls[-1][0] == "stop"
        await channels.startup()
        await channels.shutdown()

    async def test_a_cancelled_start_leaves_nothing(self) -> None:
        broker = TestBroker()
        broker.close_gate("check")
        starting = asyncio.create_task(Channels(None, broker).startup())
        await until(lambda: broker.at_work)
        starting.cancel()
        await asyncio.wait([starting])
        assert broker.calls[-1][0] == "stop"
