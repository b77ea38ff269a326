"""One channel in detail, and which data is shown."""

from __future__ import annotations

from typing import Any

import pytest

from emmett import Channels
from emmett.errors import BrokerUnavailable, InvalidChannel
from emmett.inspector.channel_report import MAX_MEMBERS, MAX_PUBLICATIONS, report_channel
from tests.channels.kit import MemorySink, TestBroker


async def test_a_report_has_history_and_members() -> None:
    channels = Channels(None, "memory")
    channels.namespace("room", history=100, presence=True)
    async with channels, channels.subscribe("room:1", deliver=MemorySink(), member="ann", info=[1]):
        for number in range(MAX_PUBLICATIONS + 5):
            await channels.publish("room:1", f"message {number}")
        report = await report_channel(channels, "room:1", payloads=True)
        assert report.history is not None
        assert [kept.message.payload for kept in report.history] == [
            f"message {number}" for number in range(5, MAX_PUBLICATIONS + 5)
        ]
        assert report.top == report.history[-1].position
        assert report.members is not None
        assert [(each.member, each.connections, each.info) for each in report.members] == [("ann", 1, "[1]")]
        hidden = await report_channel(channels, "room:1", payloads=False)
        assert hidden.history is not None
        assert hidden.members is not None
        assert {kept.message.payload for kept in hidden.history} == {None}
        assert [each.info for each in hidden.members] == [None]


async def test_a_plain_channel_has_a_report() -> None:
    async with Channels(None, "memory") as channels:
        report = await report_channel(channels, "news", payloads=True)
        assert (report.history, report.members, report.problems) == (None, None, [])
        with pytest.raises(InvalidChannel):
            await report_channel(channels, "no channel", payloads=True)


async def test_the_number_of_members_in_a_report_is_limited() -> None:
    channels = Channels(None, "memory")
    channels.namespace("room", presence=True)
    async with channels:
        for number in range(MAX_MEMBERS + 3):
            await channels.running().presence.join("room:1", f"{number:04}", b"null")
        report = await report_channel(channels, "room:1", payloads=False)
        assert report.members is not None
        assert (len(report.members), report.more_members) == (MAX_MEMBERS, 3)


async def test_an_unavailable_broker_is_reported() -> None:
    class WithoutPresence(TestBroker):
        async def present(self, channel: str) -> Any:
            raise BrokerUnavailable("present fails in this test")

    broker = WithoutPresence()
    channels = Channels(None, broker)
    channels.namespace("room", history=5, presence=True)
    async with channels:
        broker.failing.add("history")
        report = await report_channel(channels, "room:1", payloads=False)
        assert [problem.partition(":")[0] for problem in report.problems] == ["history", "presence"]
        assert (report.history, report.members) == (None, None)
        broker.failing.clear()
