from __future__ import annotations

from emmett.centrifuge.pushes import PUSH_JSON
from emmett.centrifuge.subscriber import ClientSubscriber
from emmett.channels import Position
from tests.channels.kit import MemorySink, running, until


async def test_pushes_wait_until_the_subscriber_is_opened() -> None:
    async with running() as channels:
        await channels.publish("room:1", "before")
        sink, hub = MemorySink(), channels.running().hub
        await sink.accept()
        subscriber = ClientSubscriber(sink, PUSH_JSON, hub, None)
        await hub.enter(subscriber, ["room:1"], {})
        assert isinstance(subscriber.start, Position)
        assert subscriber.start.offset == 1
        await channels.publish("room:1", "1")
        await until(subscriber.backlog_size)
        await channels.publish("room:1", "2")
        assert sink.messages == []
        subscriber.open()
        await until(lambda: len(sink.messages) == 2)
        await channels.publish("room:1", "3")
        await until(lambda: len(sink.messages) == 3)
        assert sink.messages == [
            f'{{"push":{{"channel":"room:1","pub":{{"data":{number},"offset":{number + 1}}}}}}}' for number in (1, 2, 3)
        ]
        hub.leave(subscriber)


async def test_a_queue_that_overflows_before_the_reply_ends_the_client() -> None:
    async with running(queue_messages=2) as channels:
        sink, hub = MemorySink(), channels.running().hub
        await sink.accept()
        subscriber = ClientSubscriber(sink, PUSH_JSON, hub, None)
        await hub.enter(subscriber, ["room:1"], {})
        for number in range(4):
            await channels.publish("room:1", str(number))
        await until(lambda: sink.closed)
        assert sink.closed == (3008, "slow")
        assert subscriber.is_over
        subscriber.open()
        assert sink.messages == []


async def test_a_gap_is_reported_once() -> None:
    async with running() as channels:
        sink, hub = MemorySink(), channels.running().hub
        await sink.accept()
        seen: list[str] = []
        subscriber = ClientSubscriber(sink, PUSH_JSON, hub, lambda: seen.append("gap"))
        await hub.enter(subscriber, ["room:1"], {})
        subscriber.cut()
        subscriber.cut()
        assert seen == ["gap"]
        assert subscriber.is_over
        assert sink.closed is None
