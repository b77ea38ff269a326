"""Exclusions, added channels and recent publications on two nodes, with Valkey and NATS between them."""

from __future__ import annotations

import asyncio

import pytest

from emmett.channels import Channels, Subscription


def node(broker: str) -> Channels:
    channels = Channels(None, broker)
    channels.namespace("room", history=1000)
    return channels


async def numbers_until(feed: Subscription, last: int) -> list[int]:
    """Return the numbers of a feed up to one."""
    found: list[int] = []
    while last not in found:
        found.append(int((await anext(feed)).data))
    return found


async def test_the_sender_is_excluded_on_the_other_node(broker: str) -> None:
    async with (
        node(broker) as here,
        node(broker) as there,
        here.subscribe("room:1", "room:*") as mine,
        there.subscribe("room:1") as theirs,
    ):
        for number in range(6):
            await there.publish("room:1", number, exclude=(mine.id, theirs.id, None)[number % 3])
        assert await numbers_until(mine, 5) == [1, 2, 4, 5]
        assert await numbers_until(theirs, 5) == [0, 2, 3, 5]


@pytest.mark.parametrize("is_recent", [True, False])
async def test_a_channel_can_be_added_and_removed_during_publications(broker: str, is_recent: bool) -> None:
    room = f"room:{is_recent}"
    async with node(broker) as here, node(broker) as there, here.subscribe("room:other") as feed:
        seen = await there.publish(room, 0)

        async def publish() -> None:
            for number in range(1, 300):
                await there.publish(room, number)

        publishing = asyncio.create_task(publish())
        if is_recent:
            await feed.add(room, recent=1000)
        else:
            assert await feed.add(room, since=seen)
        found = await numbers_until(feed, 100)
        await feed.remove(room)
        assert await feed.add(room, since=here_after(found, seen)) is True
        found += await numbers_until(feed, 299)
        await publishing
        assert found == list(range(0 if is_recent else 1, 300))


def here_after(found: list[int], first: object) -> str:
    """Return the text of the position of the last number."""
    epoch, _, offset = str(first).rpartition(":")
    return f"{epoch}:{int(offset) + found[-1]}"


async def test_the_newest_publications_come_first(broker: str) -> None:
    async with node(broker) as here, node(broker) as there:
        for number in range(50):
            await there.publish("room:recent", number)
        async with here.subscribe("room:recent", recent=10) as feed:
            await there.publish("room:recent", 50)
            assert await numbers_until(feed, 50) == list(range(40, 51))
