from __future__ import annotations

from typing import Any

import pytest

from emmett.channels import Publication, as_json
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.channels.identities import Identities
from emmett.channels.stream import STRETCH
from emmett.errors import UsageError
from tests.channels.kit import MemorySink, running, take_data, topics, until


async def test_a_publisher_excludes_a_subscriber_on_either_node() -> None:
    bus, sink, other = MemoryBus(), MemorySink(), MemorySink()
    async with (
        running(MemoryBroker(bus)) as here,
        running(MemoryBroker(bus)) as there,
        here.subscribe("room:1", "ticks", deliver=sink) as mine,
        here.subscribe("room:1", deliver=other),
        there.subscribe("room:1") as theirs,
    ):
        assert mine.id != theirs.id
        await there.publish("room:1", "1", exclude=mine.id)
        await here.publish("room:1", "2", exclude=mine)
        await here.publish("room:1", "3", exclude=theirs)
        await here.publish("room:1", "4", exclude="nobody")
        assert await take_data(theirs, 3) == ["1", "2", "4"]
        await until(lambda: other.messages == ["1", "2", "3", "4"])
        assert sink.messages == ["3", "4"]
        position = mine.positions["room:1"]
        await here.publish("room:1", "5", exclude=mine)
        await until(lambda: mine.positions["room:1"].offset == position.offset + 1)


@pytest.mark.parametrize("names", [["room:*"], ["room:*", "room:1"]])
async def test_subscribers_of_patterns_are_excluded(names: list[str]) -> None:
    async with running() as channels, channels.subscribe(*names) as feed, channels.subscribe("room:*") as other:
        for number, exclude in enumerate((feed, other, None)):
            await channels.publish("room:1", str(number), exclude=exclude)
            await channels.publish("room:2", f"{number} too", exclude=exclude)
        assert sorted(map(str, await take_data(feed, 4))) == ["1", "1 too", "2", "2 too"]
        assert await take_data(other, 4) == ["0", "0 too", "2", "2 too"]


async def test_a_subscriber_still_reading_the_history_is_excluded_there_and_live() -> None:
    async with running() as channels, channels.subscribe("ticks") as feed:
        await channels.publish("room:1", "0", exclude=feed)
        await channels.publish("room:1", "1")
        first = channels.running().hub.reader
        reading = first.page

        async def page(*arguments: Any, **options: Any) -> Any:
            found = await reading(*arguments, **options)
            await channels.publish("room:1", "2", exclude=feed)
            await channels.publish("room:1", "3")
            await until(lambda: not topics(channels)["room:1"].stream.is_busy)
            return found

        first.page = page  # type: ignore[method-assign]
        await feed.add("room:1", recent=10)
        await channels.publish("room:1", "4", exclude=feed)
        await channels.publish("room:1", "5")
        assert await take_data(feed, 3) == ["1", "3", "5"]


async def test_publications_are_still_encoded_once_for_all_others() -> None:
    encoded: list[str | bytes] = []

    def encode(publication: Publication) -> str:
        encoded.append(publication.data)
        return as_json(publication)

    sinks = [MemorySink() for _ in range(STRETCH + 2)]
    async with running() as channels:
        subscriptions = [channels.subscribe("room:1", deliver=sink, encode=encode) for sink in sinks]
        for each in subscriptions:
            await each.__aenter__()
        await channels.publish("room:1", "a", exclude=subscriptions[-1])
        await until(lambda: sinks[0].messages and not topics(channels)["room:1"].stream.is_busy)
        assert [len(sink.messages) for sink in sinks] == [*[1] * (STRETCH + 1), 0]
        assert encoded == ["a"]
        for each in subscriptions:
            await each.__aexit__(None, None, None)
        assert len(channels.running().hub.identities) == 0


async def test_an_id_is_available_inside_the_block_and_afterwards() -> None:
    async with running() as channels:
        subscription = channels.subscribe("room:1")
        with pytest.raises(UsageError, match="async with"):
            _ = subscription.id
        async with subscription:
            name = subscription.id
            assert subscription.id == name
            assert len(channels.running().hub.identities) == 1
        assert subscription.id == name
        assert len(channels.running().hub.identities) == 0


def test_ids_kept_elsewhere_are_found() -> None:
    identities, asked = Identities(), list[tuple[str, str]]()
    identities.finders.append(lambda id, name: asked.append((id, name)))
    assert identities.find("client", "room:1") is None
    assert asked == [("client", "room:1")]
