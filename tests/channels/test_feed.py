from __future__ import annotations

import asyncio
import logging

import pytest

from emmett.channels import Kind, Namespace, Position, Publication
from emmett.channels.feed import Feed
from emmett.channels.receiver import Receiver
from emmett.channels.stats import Counters
from emmett.errors import SlowSubscriber, UsageError
from emmett.rare_log import RareLog
from tests.channels.kit import turns

ROOM = Namespace("room", queue_messages=2)
TICKS = Namespace("", queue_messages=2, slow="latest")


def make(left: list[Receiver] | None = None) -> Feed:
    kept: list[Receiver] = [] if left is None else left
    return Feed(Counters(), kept.append, RareLog(logging.getLogger("emmett.channels")))


def put(feed: Feed, *offsets: int, namespace: Namespace = ROOM) -> None:
    there = [Publication("room:1", str(offset), Kind.MESSAGE, Position("e", offset)) for offset in offsets]
    feed.receive(namespace, there, False)


async def test_queued_publications_are_returned_at_once_and_new_ones_wake_the_reader() -> None:
    feed = make()
    put(feed, 1, 2)
    assert [(await feed.next()).data, (await feed.next()).data] == ["1", "2"]
    reading = asyncio.create_task(feed.next())
    await turns()
    put(feed, 3)
    assert (await reading).data == "3"


async def test_one_task_reads_at_a_time_and_loses_nothing_when_cancelled() -> None:
    feed = make()
    reading = asyncio.create_task(feed.next())
    await turns()
    with pytest.raises(UsageError, match="one task at a time"):
        await feed.next()
    put(feed, 1)
    reading.cancel()
    await asyncio.wait([reading])
    assert (await feed.next()).data == "1"


async def test_the_position_is_that_of_the_last_publication_read() -> None:
    feed = make()
    feed.note_position("room:1", Position("e", 0))
    put(feed, 1, 2)
    assert feed.positions == {}
    feed._last_positions = {}
    assert feed._places == {"room:1": Position("e", 0)}
    await feed.next()
    assert feed._places == {"room:1": Position("e", 1)}


async def test_a_slow_reader_gets_an_error_and_no_more_publications(caplog: pytest.LogCaptureFixture) -> None:
    left: list[Receiver] = []
    feed = make(left)
    put(feed, 1, 2)
    put(feed, 3)
    assert left == [feed]
    for _ in range(2):
        with pytest.raises(SlowSubscriber, match="more than 2 publications"):
            await feed.next()
    assert "did not keep up" in caplog.text


async def test_each_namespace_has_its_own_queue() -> None:
    feed = make()
    put(feed, 1, 2)
    put(feed, 3, 4, 5, namespace=TICKS)
    assert [(await feed.next()).data for _ in range(2)] == ["1", "2"]
    assert [(await feed.next()).kind for _ in range(2)] == [Kind.GAP, Kind.MESSAGE]
    assert feed.dropped == 2


async def test_a_finished_feed_still_delivers_what_is_queued() -> None:
    feed = make()
    put(feed, 1)
    feed.finish()
    assert (await feed.next()).data == "1"
    with pytest.raises(StopAsyncIteration):
        await feed.next()
    waiting = make()
    reading = asyncio.create_task(_end(waiting))
    await turns()
    waiting.left()
    assert await reading == "end"


async def _end(feed: Feed) -> str:
    try:
        await feed.next()
    except StopAsyncIteration:
        return "end"
    return "more"
