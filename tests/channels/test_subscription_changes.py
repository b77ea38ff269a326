"""Channels added to and removed from an open subscription, and subscriptions that begin with recent publications."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett.channels import Kind, as_json
from emmett.channels.names import MAX_NAMES
from emmett.channels.stream import STRETCH
from emmett.errors import BrokerUnavailable, ChannelDenied, ConfigurationError, InvalidChannel, UsageError
from tests.channels.kit import MemorySink, TestBroker, running, take, take_data, topics, turns, until


class TestAdding:
    async def test_the_other_channels_continue_and_a_position_is_recovered(self) -> None:
        async with running() as channels, channels.subscribe("room:1") as feed:
            seen = await channels.publish("room:2", "a")
            await channels.publish("room:2", "b")
            await channels.publish("room:1", "c")
            assert await feed.add("room:2", since=seen) is True
            assert await feed.add("room:3", "ticks") is None
            for name in ("room:3", "ticks"):
                await channels.publish(name, name)
            assert sorted(map(str, await take_data(feed, 4))) == ["b", "c", "room:3", "ticks"]
            assert set(feed.positions) == {"room:1", "room:2", "room:3"}
            assert await feed.add("room:2", since=seen) is None
            await channels.publish("room:2", "once")
            await channels.publish("room:2", "end")
            assert await take_data(feed, 2) == ["once", "end"]
        assert channels.stats().subscribers == 0

    async def test_publications_made_meanwhile_come_once(self) -> None:
        broker, sink = TestBroker(), MemorySink()
        async with running(broker) as channels, channels.subscribe("ticks", deliver=sink) as subscription:
            seen = await channels.publish("room:1", "0")
            await channels.publish("room:1", "1")
            answers = broker.close_answers()
            adding = asyncio.create_task(subscription.add("room:1", since=seen))
            await until(lambda: broker.named("history"))
            await channels.publish("room:1", "2")
            answers.set()
            assert await adding is True
            await channels.publish("room:1", "3")
            await until(lambda: sink.messages == ["1", "2", "3"])

    async def test_a_refused_channel_is_not_added(self) -> None:
        asked: list[str] = []

        def may_subscribe(channel: str) -> bool:
            asked.append(channel)
            return channel != "room:no"

        async with running(may_subscribe=may_subscribe) as channels, channels.subscribe("ticks", "a:*") as feed:
            wrong: list[tuple[list[str], dict[str, Any], type[Exception]]] = [
                (["room:1", "room:no"], {}, ChannelDenied),
                (["a b"], {}, InvalidChannel),
                ([], {}, InvalidChannel),
                (["a:1"], {}, InvalidChannel),
                (["a:b:*"], {}, InvalidChannel),
                ([f"b:{number}" for number in range(MAX_NAMES - 1)], {}, InvalidChannel),
                (["b:1"], {"since": "e:1"}, ConfigurationError),
                (["b:1"], {"recent": 1}, ConfigurationError),
                (["room:1"], {"recent": -1}, ConfigurationError),
                (["room:1"], {"recent": "1"}, ConfigurationError),
            ]
            for names, options, error in wrong:
                with pytest.raises(error):
                    await feed.add(*names, **options)
            assert set(topics(channels)) == {"ticks", "a:*"}
            assert asked == ["room:1", "room:no"]
            await feed.add("room:1")
            with pytest.raises(InvalidChannel, match="overlaps with 'room:1'"):
                await feed.add("room:*")

    @pytest.mark.parametrize("method", ["subscribe", "history", "join"])
    async def test_a_broker_failure_leaves_the_other_channels(self, method: str) -> None:
        broker = TestBroker()
        async with running(broker, presence=True) as channels:
            async with channels.subscribe("room:1", member="ada") as feed:
                broker.failing.add(method)
                with pytest.raises(BrokerUnavailable):
                    await feed.add("room:2", since="e:1")
                broker.failing.clear()
                assert set(feed.positions) == {"room:1"}
                await until(lambda: set(topics(channels)) == {"room:1"})
                await channels.publish("room:2", "not heard")
                await channels.publish("room:1", "a")
                assert await take_data(feed, 1) == ["a"]
                await feed.add("room:2")
                assert set(await channels.presence("room:2")) == {"ada"}
            assert await channels.presence("room:1") == await channels.presence("room:2") == {}

    async def test_the_subscription_may_end_and_the_task_be_cancelled_meanwhile(self) -> None:
        broker = TestBroker()
        async with running(broker, presence=True) as channels:
            for ends in (True, False):
                subscription = channels.subscribe("room:1", member="ada")
                await subscription.__aenter__()
                gate = broker.close_gate("subscribe")
                adding = asyncio.create_task(subscription.add("room:2"))
                await until(lambda: "room:2" in topics(channels))
                if ends:
                    await subscription.__aexit__(None, None, None)
                    del broker.gates["subscribe"]
                    gate.set()
                    assert await adding is None
                    assert await subscription.add("room:3") is None
                else:
                    adding.cancel()
                    await asyncio.wait([adding])
                    del broker.gates["subscribe"]
                    gate.set()
                    assert set(subscription.positions) == {"room:1"}
                    await subscription.__aexit__(None, None, None)
                await until(lambda: not topics(channels))
                assert await channels.presence("room:1") == await channels.presence("room:2") == {}
            with pytest.raises(UsageError, match="async with"):
                await channels.subscribe("room:1").add("room:2")
            assert channels.stats().subscribers == 0


class TestRemoving:
    async def test_nothing_more_arrives_from_a_removed_channel(self) -> None:
        async with (
            running(presence=True) as channels,
            channels.subscribe("room:1", "room:2", "ticks", member="ada") as feed,
        ):
            for name in ("room:1", "room:2", "ticks"):
                await channels.publish(name, name)
            await until(lambda: feed._receiver and len(feed._receiver._backlogs) == 2)
            await feed.remove("room:1", "unknown")
            assert set(feed.positions) == {"room:2"}
            assert set(await channels.presence("room:2")) == {"ada"}
            assert await channels.presence("room:1") == {}
            await channels.publish("room:1", "not heard")
            await channels.publish("room:2", "end")
            assert sorted(map(str, await take_data(feed, 3))) == ["end", "room:2", "ticks"]
            await until(lambda: "room:1" not in topics(channels))

    async def test_queued_publications_of_a_removed_channel_are_dropped(self) -> None:
        sink = MemorySink()
        async with running() as channels, channels.subscribe("room:1", "room:2", deliver=sink) as subscription:
            sink.is_stalled = True
            for number in range(3):
                await channels.publish("room:1", f"one {number}")
                await channels.publish("room:2", f"two {number}")
            await until(lambda: not any(topic.stream.is_busy for topic in topics(channels).values()))
            await subscription.remove("room:1")
            sink.resume()
            await until(lambda: sink.messages == ["two 0", "two 1", "two 2"])

    async def test_a_queued_gap_of_a_removed_channel_is_dropped_too(self) -> None:
        async with (
            running(queue_messages=2, slow="drop_oldest") as channels,
            channels.subscribe("room:1") as feed,
        ):
            for number in range(5):
                await channels.publish("room:1", str(number))
            await until(lambda: feed.dropped)
            await feed.remove("room:1")
            await feed.add("room:1", recent=2)
            assert [(each.kind, each.data) for each in await take(feed, 2)] == [
                (Kind.MESSAGE, "3"),
                (Kind.MESSAGE, "4"),
            ]

    async def test_a_feed_without_channels_waits_and_ends_with_the_channels(self) -> None:
        async with running() as channels:
            feed = channels.subscribe("room:1")
            await feed.__aenter__()
            await feed.remove("room:1")
            reading = asyncio.ensure_future(anext(feed))
            await turns()
            await feed.add("room:2")
            await channels.publish("room:2", "a")
            assert (await reading).data == "a"
            await feed.remove("room:2")
            assert channels.stats().subscribers == 1
        assert [each async for each in feed] == []

    async def test_a_delivery_in_progress_skips_a_removed_channel(self) -> None:
        sinks = [MemorySink() for _ in range(STRETCH + 1)]
        async with running() as channels:
            subscriptions = [channels.subscribe("room:1", "ticks", deliver=sink) for sink in sinks]
            for each in subscriptions:
                await each.__aenter__()
            await channels.publish("room:1", "a")
            await until(lambda: sinks[0].messages)
            assert not sinks[-1].messages
            await subscriptions[-1].remove("room:1")
            await subscriptions[-1].add("room:1")
            await channels.publish("room:1", "b")
            await until(lambda: sinks[-1].messages and not topics(channels)["room:1"].stream.is_busy)
            assert sinks[-1].messages == ["b"]
            assert all(sink.messages == ["a", "b"] for sink in sinks[:-1])
            for each in subscriptions:
                await each.__aexit__(None, None, None)

    async def test_a_pattern_and_a_channel_that_it_covers_are_removed_together(self) -> None:
        async with running() as channels, channels.subscribe("room:1", "room:*") as feed:
            for name in ("room:1", "room:*"):
                with pytest.raises(InvalidChannel, match="together"):
                    await feed.remove(name)
            await feed.remove("room:1", "room:*")
            await until(lambda: not topics(channels))
            await feed.add("room:*")
            await channels.publish("room:1", "a")
            assert await take_data(feed, 1) == ["a"]


class TestRecent:
    async def test_recent_publications_come_before_live_ones(self) -> None:
        sink = MemorySink()
        async with running() as channels:
            for number in range(10):
                await channels.publish("room:1", str(number))
            async with (
                channels.subscribe("room:1", "room:2", "ticks", recent=3) as feed,
                channels.subscribe("room:1", recent=1000, deliver=sink) as subscription,
            ):
                assert feed.recovered is subscription.recovered is None
                await channels.publish("room:1", "live")
                assert await take_data(feed, 4) == ["7", "8", "9", "live"]
                await until(lambda: sink.messages == [*map(str, range(10)), "live"])

    async def test_a_position_takes_precedence(self) -> None:
        async with running() as channels:
            seen = await channels.publish("room:1", "0")
            for name in ("room:1", "room:2"):
                for number in range(1, 5):
                    await channels.publish(name, str(number))
            async with channels.subscribe("room:1", "room:2", since={"room:1": seen}, recent=1) as feed:
                assert feed.recovered is True
                assert sorted(map(str, await take_data(feed, 5))) == ["1", "2", "3", "4", "4"]

    async def test_a_short_history_is_no_gap(self) -> None:
        sink = MemorySink()
        async with running(history=2) as channels:
            for number in range(5):
                await channels.publish("room:1", str(number))
            async with channels.subscribe("room:1", recent=4, deliver=sink, encode=as_json):
                await channels.publish("room:1", "live")
                await until(lambda: len(sink.messages) == 3)
                assert not any("gap" in str(message) for message in sink.messages)

    async def test_publications_made_while_the_history_is_read_come_once(self) -> None:
        broker = TestBroker()
        async with running(broker) as channels, channels.subscribe("room:1"):
            for number in range(5):
                await channels.publish("room:1", str(number))
            gate = broker.close_answers()
            feed = channels.subscribe("room:1", recent=2)
            entering = asyncio.create_task(feed.__aenter__())
            read = len(broker.named("history"))
            await until(lambda: len(broker.named("history")) > read)
            await channels.publish("room:1", "5")
            gate.set()
            await entering
            await channels.publish("room:1", "6")
            assert await take_data(feed, 4) == ["3", "4", "5", "6"]
            await feed.__aexit__(None, None, None)

    @pytest.mark.parametrize("recent", [-1, True, "3", 1.5])
    async def test_recent_must_be_a_number_of_publications(self, recent: Any) -> None:
        async with running() as channels:
            with pytest.raises(ConfigurationError, match="expected"):
                await channels.subscribe("room:1", recent=recent).__aenter__()
            with pytest.raises(ConfigurationError, match="history="):
                await channels.subscribe("ticks", "room:*", recent=1).__aenter__()
