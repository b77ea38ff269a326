from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from typing import Any

import pytest

import emmett
from emmett.channels import Channels, Kind, Position, Publication, as_json
from emmett.channels.names import MAX_NAMES
from emmett.errors import ChannelDenied, ConfigurationError, InvalidChannel, SlowSubscriber, UsageError
from tests.channels.kit import MemorySink, TestBroker, running, take, take_data, topics, until


async def test_a_feed_yields_publications() -> None:
    async with running() as channels:
        async with channels.subscribe("ticks") as feed:
            await channels.publish("ticks", "a")
            await channels.publish("ticks", b"\x00")
            assert await take(feed, 2) == [Publication("ticks", "a"), Publication("ticks", b"\x00")]
        assert [publication async for publication in feed] == []


async def test_a_socket_is_accepted_and_gets_only_messages() -> None:
    sink = MemorySink()
    async with running(presence=True, join_leave=True) as channels:
        async with channels.subscribe("room:1", deliver=sink, member="alice") as subscription:
            assert sink.is_accepted
            await channels.publish("room:1", "a")
            await until(lambda: sink.messages == ["a"])
            with pytest.raises(UsageError, match="leave out deliver"):
                await anext(subscription)
        await channels.publish("room:1", "b")
        assert sink.messages == ["a"]
        assert sink.closed is None


async def test_as_json_sends_a_socket_everything() -> None:
    sink = MemorySink()
    async with (
        running(presence=True, join_leave=True) as channels,
        channels.subscribe("room:1", deliver=sink, encode=as_json, member="alice"),
    ):
        position = await channels.publish("room:1", "a")
        await until(lambda: len(sink.messages) == 2)
        join, message = (json.loads(each) for each in sink.messages)
        assert join["data"]["member"] == "alice"
        assert message == {"type": "message", "channel": "room:1", "data": "a", "position": str(position)}


async def test_deliver_may_be_the_websocket_handle_of_the_current_task() -> None:
    class Handle:
        connection = MemorySink()

    async with running() as channels, channels.subscribe("a", deliver=Handle()):  # type: ignore[arg-type]
        await channels.publish("a", "x")
        await until(lambda: Handle.connection.messages == ["x"])


class TestRefusals:
    async def test_check_false_skips_the_permission_function(self) -> None:
        async with running(may_subscribe=lambda _: False) as channels:
            with pytest.raises(ChannelDenied):
                await channels.subscribe("room:1").__aenter__()
            async with channels.subscribe("room:1", check=False) as feed:
                await channels.publish("room:1", "hello")
                assert (await anext(feed)).data == "hello"

    async def test_may_subscribe_is_called_in_the_context_of_the_caller(self) -> None:
        visitor: ContextVar[str] = ContextVar("visitor")
        asked: list[str] = []

        def may_subscribe(channel: str) -> bool:
            asked.append(channel)
            return visitor.get() == "alice"

        sink = MemorySink()
        async with running(may_subscribe=may_subscribe) as channels:
            visitor.set("bob")
            for names in (("room:1",), ("room:*",), ("ticks", "room:1")):
                with pytest.raises(ChannelDenied, match="may not be subscribed to") as caught:
                    async with channels.subscribe(*names, deliver=sink):
                        raise AssertionError
                assert caught.value.status == 403
            assert not sink.is_accepted
            assert topics(channels) == {}
            visitor.set("alice")
            async with channels.subscribe("room:1"):
                assert asked == ["room:1", "room:*", "room:1", "room:1"]

    @pytest.mark.parametrize("answer", [False, None, 0])
    async def test_an_answer_other_than_true_refuses(self, answer: Any) -> None:
        async def may_subscribe(channel: str) -> Any:
            await asyncio.sleep(0)
            return answer

        async with running(may_subscribe=may_subscribe) as channels:
            with pytest.raises(ChannelDenied):
                await channels.subscribe("room:1").__aenter__()

    async def test_names_and_their_number_are_checked(self) -> None:
        async with running() as channels:
            for names in ([], ["a b"], ["*"], [f"a:{number}" for number in range(MAX_NAMES + 1)]):
                with pytest.raises(InvalidChannel):
                    await channels.subscribe(*names).__aenter__()
            async with channels.subscribe(*(f"a:{number}" for number in range(MAX_NAMES))):
                assert len(topics(channels)) == MAX_NAMES

    async def test_contradictory_arguments_are_refused(self) -> None:
        async with running(presence=True) as channels:
            wrong: list[tuple[tuple[str, ...], dict[str, Any], str]] = [
                (("room:1",), {"encode": as_json}, "deliver=websocket"),
                (("room:1",), {"info": 1}, "member="),
                (("room:1", "room:2"), {"since": "e:1"}, "must be a mapping"),
                (("room:1",), {"since": {"room:2": "e:1"}}, "not one of its channels"),
                (("room:*",), {"since": "e:1"}, "not one of its channels"),
                (("ticks",), {"since": "e:1"}, "no history"),
                (("ticks", "room:*"), {"member": "alice"}, "presence=True"),
            ]
            for names, options, text in wrong:
                with pytest.raises(ConfigurationError, match=text):
                    await channels.subscribe(*names, **options).__aenter__()
            for member, info in (("", None), ("x" * 201, None), ("alice", "x" * 5000)):
                with pytest.raises(ValueError, match="expected"):
                    await channels.subscribe("room:1", member=member, info=info).__aenter__()
            assert topics(channels) == {}

    async def test_a_subscription_is_entered_once_and_read_only_inside(self) -> None:
        async with running() as channels:
            subscription = channels.subscribe("a")
            with pytest.raises(UsageError, match="async with"):
                await anext(subscription)
            assert (subscription.positions, subscription.dropped) == ({}, 0)
            async with subscription:
                with pytest.raises(UsageError, match="entered once"):
                    await subscription.__aenter__()


class TestPositions:
    async def test_missed_publications_come_once_and_in_order_before_live_ones(self) -> None:
        async with running() as channels:
            async with channels.subscribe("room:1") as feed:
                assert feed.recovered is None
                for number in range(3):
                    await channels.publish("room:1", str(number))
                await take(feed, 2)
                seen = feed.position
            for number in range(3, 6):
                await channels.publish("room:1", str(number))
            for since in (seen, str(seen), {"room:1": str(seen)}):
                async with channels.subscribe("room:1", since=since) as feed:
                    assert feed.recovered is True
                    await channels.publish("room:1", "live")
                    assert await take_data(feed, 4) == ["2", "3", "4", "5"]
                    await channels.publish("room:1", "end")
                    while (await anext(feed)).data != "end":
                        pass

    async def test_several_channels_may_have_a_position_each(self) -> None:
        async with running() as channels:
            places: dict[str, Any] = {}
            for name in ("room:1", "room:2", "room:3"):
                places[name] = await channels.publish(name, "a")
                await channels.publish(name, f"{name} b")
            places["room:3"] = None
            async with channels.subscribe("room:1", "room:2", "room:3", since=places) as feed:
                assert feed.recovered is True
                assert sorted(map(str, await take_data(feed, 2))) == ["room:1 b", "room:2 b"]
                assert set(feed.positions) == {"room:1", "room:2", "room:3"}
                assert {position.offset for position in feed.positions.values()} == {2}
                with pytest.raises(UsageError, match="positions"):
                    _ = feed.position

    @pytest.mark.parametrize(
        "since", ["gone:1", "no position", "\ud800", Position("gone", 1), "x" * 10_000, ["e:1"] * 2]
    )
    async def test_an_unrecoverable_position_is_reported(self, since: Any) -> None:
        sink = MemorySink()
        async with running() as channels:
            await channels.publish("room:1", "left")
            async with channels.subscribe("room:1", since=since) as feed:
                assert feed.recovered is False
                assert [each.kind for each in await take(feed, 2)] == [Kind.GAP, Kind.MESSAGE]
            async with channels.subscribe("room:1", since=since, deliver=sink) as subscription:
                assert subscription.recovered is False
                # The application gets the answer from `recovered`; closing the socket would only repeat it.
                assert sink.messages == ["left"]
                assert sink.closed is None

    async def test_an_empty_text_means_none_with_several_channels_too(self) -> None:
        async with running() as channels, channels.subscribe("room:1", "room:2", since="") as feed:
            assert feed.recovered is None

    async def test_a_pattern_has_no_position(self) -> None:
        sink = MemorySink()
        async with running() as channels:
            async with (
                channels.subscribe("room:1", "room:*", deliver=sink) as socket,
                channels.subscribe("room:1", "room:*") as feed,
            ):
                position = await channels.publish("room:1", "a")
                await channels.publish("room:2", "b")
                await until(lambda: sorted(sink.messages) == ["a", "b"])
                await take(feed, 2)
                assert socket.positions == feed.positions == {"room:1": position}
            assert socket.positions == feed.positions == {"room:1": position}
            # The position kept from a socket can be passed back as it is.
            async with channels.subscribe("room:1", "room:*", since=socket.positions) as again:
                assert again.recovered

    async def test_a_trimmed_history_is_reported(self) -> None:
        async with running(history=2) as channels:
            first = await channels.publish("room:1", "0")
            for number in range(1, 5):
                await channels.publish("room:1", str(number))
            async with channels.subscribe("room:1", since=first) as feed:
                assert feed.recovered is False
                gap, *rest = await take(feed, 3)
                assert gap.position
                assert gap.position.offset == 3
                assert [each.data for each in rest] == ["3", "4"]

    async def test_more_history_than_fits_the_queue_is_delivered(self) -> None:
        async with running(history=1000, queue_messages=10) as channels:
            first = await channels.publish("room:1", "0")
            for number in range(1, 500):
                await channels.publish("room:1", str(number))
            async with channels.subscribe("room:1", since=first) as feed:
                assert await take_data(feed, 499) == [str(number) for number in range(1, 500)]
            sink = MemorySink()
            await sink.accept()
            sink.is_stalled = True
            async with channels.subscribe("room:1", since=first, deliver=sink):
                sink.resume()
                await until(lambda: len(sink.messages) == 499)

    async def test_a_socket_begins_at_the_newest_position_and_advances(self) -> None:
        sink = MemorySink()
        async with running() as channels:
            top = await channels.publish("room:1", "a")
            async with channels.subscribe("room:1", deliver=sink) as subscription:
                assert subscription.position == top
                second = await channels.publish("room:1", "b")
                await until(lambda: sink.messages)
                assert subscription.position == second
                sink.is_stalled = True
                await channels.publish("room:1", "c")
                await channels.publish("room:1", "d")
                await until(lambda: not topics(channels)["room:1"].stream.is_busy)
                assert subscription.position == second
            assert subscription.position == second

    async def test_an_empty_text_is_no_position(self) -> None:
        async with running() as channels, channels.subscribe("room:1", since="") as feed:
            assert feed.recovered is None


async def test_an_unread_feed_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    async with running(queue_messages=5) as channels, channels.subscribe("room:1") as feed:
        for number in range(20):
            await channels.publish("room:1", str(number))
        with pytest.raises(SlowSubscriber):
            while True:
                await anext(feed)
        assert channels.stats().disconnected == 1
        assert topics(channels)["room:1"].users == 0
    assert len(caplog.records) == 1


@pytest.mark.parametrize("slow", ["drop_oldest", "latest"])
async def test_publications_that_a_slow_feed_missed_are_counted_and_reported(slow: Any) -> None:
    async with running(queue_messages=5, slow=slow) as channels, channels.subscribe("room:1") as feed:
        for number in range(20):
            await channels.publish("room:1", str(number))
        await until(lambda: not topics(channels)["room:1"].stream.is_busy)
        gap = await anext(feed)
        assert gap.kind is Kind.GAP
        assert gap.position
        assert gap.position.offset == feed.dropped == channels.stats().dropped
        first = await anext(feed)
        assert first.position
        assert first.position.offset == feed.dropped + 1


async def test_a_cancelled_subscription_leaves_with_all_members() -> None:
    broker = TestBroker()
    async with running(broker, presence=True) as channels:
        entered = asyncio.Event()

        async def stay() -> None:
            async with channels.subscribe("room:1", "room:2", member="alice"):
                entered.set()
                await asyncio.get_running_loop().create_future()

        task = asyncio.create_task(stay())
        await entered.wait()
        assert set(await channels.presence("room:2")) == {"alice"}
        task.cancel()
        await asyncio.wait([task])
        assert await channels.presence("room:1") == await channels.presence("room:2") == {}
        await until(lambda: not topics(channels))


async def test_a_failed_join_leaves_nothing() -> None:
    broker = TestBroker()
    async with running(broker, presence=True) as channels:
        broker.failing.add("join")
        with pytest.raises(emmett.HTTPException):
            await channels.subscribe("room:1", member="alice").__aenter__()
        assert channels.stats().subscribers == 0
        await until(lambda: not topics(channels))


def test_channels_are_exported() -> None:
    assert emmett.Channels is Channels
