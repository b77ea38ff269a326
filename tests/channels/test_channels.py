from __future__ import annotations

import asyncio

import pytest

from emmett import App, Channels, websocket
from emmett.channels import Health, Position, Stats
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.errors import BrokerUnavailable, ChannelDenied, ConfigurationError, InvalidChannel, UsageError
from tests.channels.kit import TestBroker, running, take_data, topics, until


async def test_the_example_of_a_room_works() -> None:
    app = App(__name__)
    channels = Channels(app)

    @app.websocket("/rooms/<str:name>")
    async def room(name: str) -> None:
        async with channels.subscribe(f"room:{name}", deliver=websocket):
            async for message in websocket:
                await channels.publish(f"room:{name}", message)

    assert app.wired == [channels]
    async with app.test_client_async() as client:
        async with client.websocket("/rooms/1") as alice, client.websocket("/rooms/1") as bob:
            await until(lambda: channels.stats().subscribers == 2)
            await alice.send("hello")
            assert await alice.receive() == await bob.receive() == "hello"
            await bob.send(b"\x00")
            assert await alice.receive() == b"\x00"
        await until(lambda: channels.stats().subscribers == 0)
    assert channels.stats().channels == 0


class TestPublish:
    async def test_may_publish_is_called(self) -> None:
        asked: list[tuple[str, str | bytes]] = []

        async def may_publish(channel: str, data: str | bytes) -> bool:
            asked.append((channel, data))
            return data != "no"

        async with running(may_publish=may_publish) as channels, channels.subscribe("room:1") as feed:
            with pytest.raises(ChannelDenied, match="may not be published to"):
                await channels.publish("room:1", "no")
            await channels.publish("room:1", "yes")
            await channels.publish("room:1", "no", check=False)
            assert await take_data(feed, 2) == ["yes", "no"]
            assert asked == [("room:1", "no"), ("room:1", "yes")]
            assert channels.stats().published == 2

    async def test_invalid_publications_are_refused(self) -> None:
        async with running(max_message_size=4) as channels:
            for name in ("room:*", "", "a b"):
                with pytest.raises(InvalidChannel):
                    await channels.publish(name, "x")
            with pytest.raises(TypeError, match="str, bytes or a value that JSON can express, not object"):
                await channels.publish("room:1", object())
            for data in ("üüx", b"12345"):
                with pytest.raises(ValueError, match="5 bytes for channel 'room:1': max_message_size is 4"):
                    await channels.publish("room:1", data)
            await channels.publish("room:1", "üü")

    async def test_json_values_are_published_as_json(self) -> None:
        asked: list[object] = []

        def may_publish(channel: str, data: object) -> bool:
            asked.append(data)
            return True

        async with running(may_publish=may_publish) as channels, channels.subscribe("room:1") as feed:
            for data in ({"a": [1, None]}, [True], 5, None):
                await channels.publish("room:1", data)
            sent = ['{"a":[1,null]}', "[true]", "5", "null"]
            assert await take_data(feed, 4) == sent
            assert asked == sent

    async def test_positions_are_those_of_the_history(self) -> None:
        async with running() as channels:
            first = await channels.publish("room:1", "a")
            second = await channels.publish("room:1", "b")
            assert isinstance(first, Position)
            assert second == Position(first.epoch, 2)
            assert await channels.publish("ticks", "a") is None


async def test_a_publication_repeated_with_its_key_is_published_once() -> None:
    async with running() as channels, channels.subscribe("room:1", "ticks") as feed:
        for channel in ("room:1", "ticks"):
            first = await channels.publish(channel, "1", idempotency_key="a")
            assert await channels.publish(channel, "2", idempotency_key="a") == first
            await channels.publish(channel, "3", idempotency_key="b")
        assert await take_data(feed, 4) == ["1", "3", "1", "3"]


async def test_history_returns_publications_and_their_position() -> None:
    async with running() as channels:
        for number in range(5):
            await channels.publish("room:1", str(number))
        past = await channels.history("room:1", limit=2)
        assert [each.data for each in past.publications] == ["3", "4"]
        assert (past.top.offset, past.complete) == (5, True)
        since = str(Position(past.top.epoch, 1))
        assert [each.data for each in (await channels.history("room:1", since=since)).publications] == list("1234")
        assert not (await channels.history("room:1", since="gone:1")).complete
        # As in `subscribe`: an invalid position from a visitor is not an error of the server.
        for strange in ("x", ["e:1", "e:2"]):
            found = await channels.history("room:1", since=strange)
            assert (len(found.publications), found.complete) == (5, False)
        with pytest.raises(ConfigurationError, match="history="):
            await channels.history("ticks")
        with pytest.raises(ConfigurationError, match="presence=True"):
            await channels.presence("room:1")


class TestLife:
    async def test_before_the_start_every_call_is_an_error(self) -> None:
        channels = Channels()
        for call in (channels.publish("a", "x"), channels.history("a"), channels.presence("a")):
            with pytest.raises(UsageError, match="not started"):
                await call
        with pytest.raises(UsageError, match="not started"):
            await channels.subscribe("a").__aenter__()
        assert await channels.check() == Health(False, None, ["the channels have not started"])
        assert channels.stats() == Stats(*[0] * 10)
        await channels.shutdown()

    async def test_it_can_be_started_again(self) -> None:
        channels = Channels()
        for _ in range(2):
            async with channels:
                with pytest.raises(UsageError, match="already started"):
                    await channels.startup()
                with pytest.raises(UsageError, match="before the application starts"):
                    channels.namespace("room")
                async with channels.subscribe("a") as feed:
                    await channels.publish("a", "x")
                    assert await take_data(feed, 1) == ["x"]

    async def test_another_event_loop_is_reported(self) -> None:
        async with running() as channels:

            def publish() -> None:
                asyncio.run(channels.publish("a", "x"))

            with pytest.raises(UsageError, match="another event loop"):
                await asyncio.to_thread(publish)

    async def test_an_unavailable_broker_is_tried_again_at_the_start(self, caplog: pytest.LogCaptureFixture) -> None:
        broker = MemoryBroker()
        broker.cut()
        channels = Channels(None, broker)
        starting = asyncio.create_task(channels.startup())
        await until(lambda: caplog.records)
        broker.mend()
        await starting
        await channels.shutdown()

    async def test_a_broker_that_stays_unavailable_is_an_error(self) -> None:
        broker = MemoryBroker()
        broker.cut()
        with pytest.raises(BrokerUnavailable):
            await Channels(None, broker, start_timeout=0.0).startup()

    async def test_the_app_ends_feeds_that_its_handlers_read(self) -> None:
        app = App(__name__)
        channels = Channels(app)
        ended = asyncio.Event()

        async def read() -> None:
            async with channels.subscribe("a") as feed:
                async for _ in feed:
                    pass
            ended.set()

        async with app.test_client_async():
            task = asyncio.create_task(read())
            await until(lambda: channels.stats().subscribers)
        await ended.wait()
        await task


class TestBrokers:
    def test_the_variable_chooses_the_broker_if_none_is_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert Channels().is_in_memory
        monkeypatch.setenv("EMMETT_BROKER", "carrier-pigeon://coop")
        with pytest.raises(ConfigurationError, match="no broker for 'carrier-pigeon'"):
            Channels()
        assert Channels(None, "memory").is_in_memory
        monkeypatch.setenv("EMMETT_BROKER", "")
        assert Channels().is_in_memory

    def test_a_broker_in_place_of_the_application_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="the application comes first"):
            Channels("redis://localhost")  # type: ignore[arg-type]

    async def test_several_workers_cannot_share_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EMMETT_WORKERS", "2")
        with pytest.raises(
            ConfigurationError, match=r"2 worker processes cannot share channels in memory.*EMMETT_BROKER"
        ):
            await Channels().startup()
        monkeypatch.setenv("EMMETT_WORKERS", "1")
        async with Channels():
            pass


async def test_a_program_without_a_server_is_warned_once_that_no_process_hears_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = App(__name__)
    channels = Channels(app)
    async with channels:
        async with channels.subscribe("news"):
            await channels.publish("news", "heard here")
        assert "no other process hears" not in caplog.text
        for _ in range(3):
            await channels.publish("news", "good night")
        assert caplog.text.count("no other process hears") == 1
    caplog.clear()
    # No warning when the application is served.
    await channels.startup()
    await channels.publish("news", "good morning")
    await channels.shutdown()
    async with Channels() as others:
        await others.publish("news", "good morning")
    assert "no other process hears" not in caplog.text


async def test_health_reports_what_fails() -> None:
    bus = MemoryBus()
    broker = TestBroker(bus)
    async with running(broker) as channels, channels.subscribe("room:1", "ticks"):
        health = await channels.check()
        assert (health.ok, health.problems) == (True, [])
        assert health.round_trip is not None
        bus.cut()
        await until(lambda: topics(channels)["room:1"].is_lost)
        health = await channels.check()
        assert (health.ok, health.round_trip) == (False, None)
        assert "does not answer" in health.problems[0]
        assert health.problems[1] == "2 of 2 channels receive nothing until the broker is back"
        gate = broker.close_gate("history")
        bus.mend()
        await until(lambda: broker.at_work)
        assert (await channels.check()).problems == ["1 channels are recovering missed publications"]
        gate.set()
        await until(lambda: not topics(channels)["room:1"].is_healing)
        assert (await channels.check()).ok


async def test_nodes_share_limits() -> None:
    bus = MemoryBus()
    async with Channels(broker=MemoryBroker(bus)) as one, Channels(broker=MemoryBroker(bus)) as other:
        waits = [await node.take("login:ada", 2, 600) for node in (one, other, one)]
        assert waits[:2] == [0.0, 0.0]
        assert 0 < waits[2] <= 300
        assert await one.take("login:bob", 2, 600) == 0.0
        with pytest.raises(InvalidChannel):
            await one.take("", 2, 600)
        for calls, period in ((0, 1.0), (1, 0.0), (1, float("inf")), (1, float("nan"))):
            with pytest.raises(ValueError, match="at least 1 call"):
                await one.take("login:ada", calls, period)
        bus.cut()
        with pytest.raises(BrokerUnavailable):
            await one.take("login:ada", 2, 600)
