"""The health of channels: checked only on request, and not more often than it changes."""

from __future__ import annotations

import asyncio

from emmett import Channels
from emmett.inspector import broker_health
from emmett.inspector.broker_health import BrokerHealth, list_channels
from emmett.inspector.picking import SLICE
from emmett.inspector.questions import AskChannels
from tests.channels.kit import TestBroker, turns


async def test_one_check_serves_many_questions() -> None:
    broker = TestBroker()
    async with Channels(None, broker, prefix="tea") as channels:
        health = BrokerHealth(channels)
        before = sum(name == "check" for name, _ in broker.calls)
        first, second = await asyncio.gather(health.overview(), health.overview())
        await health.overview()
        assert first == second
        assert (first.prefix, first.broker, first.ok, first.problems) == ("tea", "TestBroker", True, [])
        assert first.round_trip is not None
        assert first.statistics["published"] == 0
        assert sum(name == "check" for name, _ in broker.calls) - before <= 1
        health.stop()


async def test_a_slow_check_does_not_delay_the_answer(monkeypatch: object) -> None:
    broker = TestBroker()
    async with Channels(None, broker) as channels:
        gate = broker.close_gate("check")
        health = BrokerHealth(channels)
        waiting = asyncio.create_task(health.overview())
        overview = await waiting
        assert (overview.ok, overview.round_trip) == (None, None)
        gate.set()
        assert health._check is not None
        await asyncio.wait((health._check,))
        await turns()
        assert (await health.overview()).ok
        assert broker_health.WAIT < 1
        waiting.cancel()


async def test_channels_that_have_not_started_are_not_ok() -> None:
    channels = Channels(None, "memory")
    overview = await BrokerHealth(channels).overview()
    assert (overview.ok, overview.problems) == (False, ["the channels have not started"])
    assert (await list_channels(channels, AskChannels())).rows == []


async def test_channels_are_listed_by_subscribers() -> None:
    channels = Channels(None, "memory")
    channels.namespace("room", history=5, presence=True)
    async with (
        channels,
        channels.subscribe("room:1", "news"),
        channels.subscribe("news"),
        channels.subscribe("room:*"),
        channels.subscribe("emmett-own:x"),
    ):
        listed = await list_channels(channels, AskChannels())
        assert [(row.name, row.subscribers, row.history, row.presence) for row in listed.rows] == [
            ("news", 2, 0, False),
            ("room:1", 1, 5, True),
            ("room:*", 1, 0, False),
        ]
        assert (listed.matching, listed.total) == (3, 4)
        assert [row.name for row in (await list_channels(channels, AskChannels("room"))).rows] == ["room:1", "room:*"]
        assert len((await list_channels(channels, AskChannels(internal=True))).rows) == 4
        few = await list_channels(channels, AskChannels(limit=1))
        assert ([row.name for row in few.rows], few.matching) == (["news"], 3)
    assert SLICE <= 500
