"""The hub through `Channels`: deliveries, failures of the broker, and that nothing is left."""

from __future__ import annotations

import asyncio

import pytest

from emmett.channels import Channels, Kind, Position, as_json
from emmett.channels.brokers.memory import MemoryBus
from emmett.channels.brokers.port import History, Limits
from emmett.channels.envelope import pack
from emmett.channels.reading import FIRST_PAGE_BYTES, MAX_FIRST_PAGES, MAX_PAGES, MAX_READS, PAGE_BYTES
from emmett.errors import BrokerUnavailable
from tests.channels.kit import MemorySink, TestBroker, running, take, take_data, topics, turns, until


async def test_the_first_subscriber_subscribes_and_the_last_unsubscribes_after_a_delay() -> None:
    broker = TestBroker()
    async with running(broker) as channels:
        async with channels.subscribe("a"):
            async with channels.subscribe("a", "b"):
                pass
            await until(lambda: set(topics(channels)) == {"a"})
            assert broker.named("subscribe") == [["a"], ["b"]]
        await until(lambda: not broker._subscribed)
        assert topics(channels) == {}
        assert broker.named("unsubscribe") == [["b"], ["a"]]


async def test_a_subscriber_that_returns_within_the_delay_finds_the_subscription() -> None:
    broker = TestBroker()
    async with running(broker, linger=3600.0) as channels:
        for _ in range(3):
            async with channels.subscribe("a") as feed:
                await channels.publish("a", "x")
                assert await take_data(feed, 1) == ["x"]
        assert broker.named("subscribe") == [["a"]]
        assert broker.named("unsubscribe") == []


async def test_a_channel_subscribed_by_name_and_by_patterns_is_delivered_once() -> None:
    async with running() as channels, channels.subscribe("room:*", "room:a:*", "room:1", "ticks") as feed:
        for name in ("room:1", "room:2", "room:a:1", "ticks", "other", "room:1"):
            await channels.publish(name, name)
        async with channels.subscribe("end") as other:
            await channels.publish("end", "")
            await take(other, 1)
        got = await take_data(feed, 5)
        assert sorted(map(str, got)) == ["room:1", "room:1", "room:2", "room:a:1", "ticks"]
        await channels.publish("ticks", "last")
        assert await take_data(feed, 1) == ["last"]


async def test_an_unavailable_broker_is_reported_and_nothing_is_left() -> None:
    broker = TestBroker()
    async with running(broker) as channels:
        async with channels.subscribe("room:1"):
            broker.cut()
            await until(lambda: topics(channels)["room:1"].is_lost)
            for name in ("room:1", "room:2"):
                with pytest.raises(BrokerUnavailable):
                    async with channels.subscribe(name):
                        raise AssertionError
            assert set(topics(channels)) == {"room:1"}
            assert channels.stats().subscribers == 1
            broker.mend()
            await until(lambda: not topics(channels)["room:1"].is_lost)
            async with channels.subscribe("room:1", "room:2"):
                pass
        broker.failing.add("history")
        with pytest.raises(BrokerUnavailable):
            async with channels.subscribe("room:3"):
                raise AssertionError
        await until(lambda: not topics(channels) and not broker._subscribed)
        assert channels.stats().subscribers == 0


async def test_publications_missed_during_a_broker_outage_are_read_from_the_history() -> None:
    bus = MemoryBus()
    broker = TestBroker(bus)
    async with running(broker) as here, running(TestBroker(bus)) as there, here.subscribe("room:1") as feed:
        await there.publish("room:1", "0")
        broker.cut()
        for number in range(1, 4):
            await there.publish("room:1", str(number))
        broker.mend()
        await there.publish("room:1", "4")
        assert await take_data(feed, 5) == ["0", "1", "2", "3", "4"]
        assert here.stats().healed == 1
        assert here.stats().gaps == 0


async def test_missed_publications_that_left_the_history_are_reported_as_a_gap() -> None:
    bus = MemoryBus()
    broker = TestBroker(bus)
    async with (
        running(broker, history=2) as here,
        running(TestBroker(bus), history=2) as there,
        here.subscribe("room:1") as feed,
    ):
        broker.cut()
        for number in range(5):
            await there.publish("room:1", str(number))
        broker.mend()
        gap, *rest = await take(feed, 3)
        assert (gap.kind, gap.position and gap.position.offset) == (Kind.GAP, 3)
        assert [each.data for each in rest] == ["3", "4"]


async def test_a_restart_that_lost_the_history_is_reported_as_a_gap() -> None:
    bus = MemoryBus()
    async with running(TestBroker(bus)) as channels, channels.subscribe("room:1") as feed:
        await channels.publish("room:1", "before")
        assert await take_data(feed, 1) == ["before"]
        bus.cut()
        bus.forget()
        bus.mend()
        await until(lambda: channels.stats().gaps)
        await channels.publish("room:1", "after")
        assert [(each.kind, each.data) for each in await take(feed, 2)] == [(Kind.GAP, ""), (Kind.MESSAGE, "after")]


async def test_without_history_a_loss_is_reported_as_a_gap() -> None:
    broker = TestBroker()
    async with running(broker, history=0) as channels, channels.subscribe("room:1", "room:*", "ticks") as feed:
        broker.cut()
        broker.mend()
        await channels.publish("room:1", "x")
        await channels.publish("ticks", "y")
        got = await take(feed, 5)
        assert {each.channel for each in got if each.kind is Kind.GAP} == {"room:1", "room:*", "ticks"}
        assert {each.data for each in got if each.kind is Kind.MESSAGE} == {"x", "y"}


async def test_a_lost_publication_is_read_from_the_history_when_the_next_arrives() -> None:
    bus = MemoryBus()
    broker = TestBroker(bus)
    async with running(broker) as here, running(TestBroker(bus)) as there, here.subscribe("room:1") as feed:
        broker.drop(2)
        for number in range(4):
            await there.publish("room:1", str(number))
        assert await take_data(feed, 4) == ["0", "1", "2", "3"]


async def test_the_loss_of_the_last_publication_is_found_by_the_check_of_quiet_channels() -> None:
    bus = MemoryBus()
    broker = TestBroker(bus)
    async with running(broker) as here, running(TestBroker(bus)) as there, here.subscribe("room:1") as feed:
        broker.drop(1)
        await there.publish("room:1", "lost")
        await turns()
        hub = here.running().hub
        await hub.check_quiet()
        await hub.check_quiet()
        assert await take_data(feed, 1) == ["lost"]


async def test_recovery_puts_bounded_load_on_the_broker() -> None:
    """Reliability, line 70: ten thousand clients reconnect at once."""
    broker = TestBroker()
    async with running(broker) as channels:
        for number in range(3):
            await channels.publish("room:1", str(number))
        past = await channels.history("room:1")
        start = Position(past.top.epoch, 1)
        broker.calls.clear()
        names = [f"room:{number}" for number in range(2, 2002)]
        subscriptions = [channels.subscribe("room:1", since=start) for _ in range(8000)]
        subscriptions += [channels.subscribe(name, since=Position("gone", 1)) for name in names]
        await asyncio.gather(*(each.__aenter__() for each in subscriptions))
        assert [each.recovered for each in subscriptions] == [True] * 8000 + [False] * 2000
        assert broker.most_at_work <= MAX_READS + MAX_FIRST_PAGES + MAX_PAGES + 1
        # Eight thousand need the same history, so a few reads serve them all. The others need a read each.
        assert len([1 for name, since, limit in broker.named("history") if name == "room:1"]) <= 4
        assert len(broker.named("history")) <= 2 * 2000 + 4
        assert len(broker.named("subscribe")) <= 8
        assert await take_data(subscriptions[0], 2) == ["1", "2"]
        for subscription in subscriptions:
            await subscription.__aexit__(None, None, None)
        assert channels.stats().subscribers == 0


class WeighingBroker(TestBroker):
    """A broker that counts the bytes of history in transit."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = self.most_under_way = 0
        self.pages: list[int] = []

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        answer = await super().history(channel, since, limit, limits, max_bytes)
        size = sum(len(entry.payload) for entry in answer.entries)
        self.under_way += size
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.pages.append(size)
        for _ in range(3):
            await asyncio.sleep(0)
        self.under_way -= size
        return answer


async def test_large_histories_are_recovered_in_pages_with_few_in_transit() -> None:
    """Reliability, line 86: two hundred clients reconnect at once, each with a position of its own."""
    broker, payload = WeighingBroker(), "x" * 4600
    async with running(broker) as channels:
        for number in range(10):
            for _ in range(60):
                await channels.publish(f"room:{number}", payload)
        epochs = [(await channels.history(f"room:{number}", limit=0)).top.epoch for number in range(10)]
        broker.pages.clear()
        broker.most_under_way = 0
        sinks = [MemorySink() for _ in range(200)]
        subscriptions = [
            channels.subscribe(f"room:{number % 10}", since=Position(epochs[number % 10], number // 10), deliver=sink)
            for number, sink in enumerate(sinks)
        ]
        await asyncio.gather(*(each.__aenter__() for each in subscriptions))
        assert all(each.recovered for each in subscriptions)
        assert [len(sink.messages) for sink in sinks] == [60 - number // 10 for number in range(200)]
        longest = len(payload) + 1
        assert max(broker.pages) <= PAGE_BYTES + longest
        bound = MAX_FIRST_PAGES * (FIRST_PAGE_BYTES + longest) + MAX_PAGES * (PAGE_BYTES + longest)
        assert broker.most_under_way <= bound < 1024 * 1024
        for subscription in subscriptions:
            await subscription.__aexit__(None, None, None)


async def test_history_is_read_no_faster_than_a_socket_takes_it() -> None:
    broker, sink = TestBroker(), MemorySink()
    async with running(broker) as channels:
        for _ in range(100):
            await channels.publish("room:1", "x" * 4600)
        start = Position((await channels.history("room:1", limit=0)).top.epoch, 0)
        broker.calls.clear()
        sink.is_stalled = True
        subscription = channels.subscribe("room:1", since=start, deliver=sink)
        entering = asyncio.create_task(subscription.__aenter__())
        await until(lambda: len(broker.named("history")) == 2)
        await turns(50)
        # One read for the newest position, and one page.
        assert len(broker.named("history")) == 2
        assert not entering.done()
        while not entering.done():
            sink.resume()
            await turns()
            sink.is_stalled = True
            await turns()
        assert subscription.recovered
        sink.resume()
        await turns()
        assert sink.messages == ["x" * 4600] * 100
        await subscription.__aexit__(None, None, None)


async def test_a_subscriber_can_leave_at_once_while_it_catches_up() -> None:
    broker, sink = TestBroker(), MemorySink()
    async with running(broker) as channels:
        for _ in range(100):
            await channels.publish("room:1", "x" * 4600)
        start = Position((await channels.history("room:1", limit=0)).top.epoch, 0)
        sink.is_stalled = True
        entering = asyncio.create_task(channels.subscribe("room:1", since=start, deliver=sink).__aenter__())
        await until(lambda: sink._callbacks)
        sink.closed = (1006, "")
        sink.resume()
        # Its handler learns from the socket that the client has left.
        subscription = await entering
        await subscription.__aexit__(None, None, None)
        assert channels.stats().subscribers == 0


async def test_a_channel_faster_than_its_history_can_be_read_ends_in_a_gap() -> None:
    class BusyBroker(TestBroker):
        async def history(
            self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
        ) -> History:
            if max_bytes is not None:
                for _ in range(40):
                    await self.publish(channel, b"t" + b"x" * 4600, limits)
            return await super().history(channel, since, limit, limits, max_bytes)

    broker, sink = BusyBroker(), MemorySink()
    async with running(broker) as channels:
        await channels.publish("room:1", "x")
        start = Position((await channels.history("room:1", limit=0)).top.epoch, 0)
        async with channels.subscribe("room:1", since=start, deliver=sink, encode=as_json) as subscription:
            assert subscription.recovered is False
            assert any('"gap"' in str(message) for message in sink.messages)


async def test_a_read_begun_earlier_for_another_subscriber_is_not_enough() -> None:
    """Publications between a shared read and the second subscription are neither lost nor duplicated."""
    broker = TestBroker()
    async with running(broker, linger=3600.0) as channels, channels.subscribe("room:1"):
        start = Position((await channels.history("room:1")).top.epoch, 0)
        # The broker answers with the state at the time of the call.
        gate = broker.close_answers()
        first = channels.subscribe("room:1", since=start)
        entering = asyncio.create_task(first.__aenter__())
        await turns()
        await channels.publish("room:1", "1")
        await turns()
        second = channels.subscribe("room:1", since=start)
        entering_too = asyncio.create_task(second.__aenter__())
        await turns()
        await channels.publish("room:1", "2")
        gate.set()
        for subscription, task in ((first, entering), (second, entering_too)):
            await task
            assert subscription.recovered
            assert await take_data(subscription, 2) == ["1", "2"]
            await subscription.__aexit__(None, None, None)


async def test_a_cancelled_subscription_leaves_nothing_and_affects_no_other() -> None:
    broker = TestBroker()
    async with running(broker) as channels:
        gate = broker.close_gate("subscribe")
        entering = [asyncio.create_task(channels.subscribe("a").__aenter__()) for _ in range(2)]
        await until(lambda: broker.at_work)
        entering[0].cancel()
        await turns()
        gate.set()
        subscription = await entering[1]
        assert entering[0].cancelled()
        assert channels.stats().subscribers == 1
        await channels.publish("a", "x")
        assert await take_data(subscription, 1) == ["x"]
        await subscription.__aexit__(None, None, None)
        await until(lambda: not topics(channels))


async def test_hostile_bytes_from_the_broker_are_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    broker = TestBroker()
    async with running(broker) as channels, channels.subscribe("a") as feed:
        for payload in (b"", b"\x80\x04cos\nsystem\n(S'true'\ntR.", b"t\xff", b"j{}"):
            await broker.publish("a", payload, None)
        await broker.publish("a", pack("good"), None)
        assert await take_data(feed, 1) == ["good"]
        assert channels.stats().rejected == 4
        assert len(caplog.records) == 1


async def test_stop_ends_feeds_and_waiting_subscribers_and_leaves_nothing() -> None:
    broker = TestBroker()
    sink = MemorySink()
    channels = Channels(None, broker)
    await channels.startup()
    feed = await channels.subscribe("a").__aenter__()
    socket = await channels.subscribe("a", deliver=sink).__aenter__()
    gate = broker.close_gate("subscribe")
    waiting = asyncio.create_task(channels.subscribe("b").__aenter__())
    reading = asyncio.create_task(_read(feed))
    await until(lambda: broker.at_work)
    await channels.publish("a", "last")
    await turns()
    await channels.shutdown()
    gate.set()
    assert await reading == ["last"]
    with pytest.raises(BrokerUnavailable, match="have stopped"):
        await waiting
    assert (sink.messages, sink.closed) == (["last"], None)
    await feed.__aexit__(None, None, None)
    await socket.__aexit__(None, None, None)
    assert broker._subscribed == set()
    assert broker.bus._nodes == {}


async def _read(feed: object) -> list[str]:
    return [publication.data async for publication in feed]  # type: ignore[attr-defined]


@pytest.mark.loops("asyncio", "uvloop")
async def test_a_slow_socket_does_not_delay_the_others() -> None:
    async with running(queue_messages=10) as channels:
        sinks = [MemorySink() for _ in range(2000)]
        subscriptions = [channels.subscribe("room:1", deliver=sink, encode=as_json) for sink in sinks]
        for subscription in subscriptions:
            await subscription.__aenter__()
        sinks[7].is_stalled = True
        for number in range(20):
            await channels.publish("room:1", str(number))
            await until(lambda number=number: len(sinks[-1].messages) == number + 1)  # type: ignore[misc]
        await until(lambda: sinks[7].closed)
        assert sinks[7].closed == (1013, "try again later")
        assert {len(sink.messages) for sink in sinks} == {0, 20}
        # All of them get the same bytes object.
        assert all(sink.batches[0] is sinks[0].batches[0] for sink in sinks if sink is not sinks[7])
        assert channels.stats().disconnected == 1
        for subscription in subscriptions:
            await subscription.__aexit__(None, None, None)
        await until(lambda: not topics(channels))
