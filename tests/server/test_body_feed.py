"""The body of a request between the connection and its reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context

import pytest

from emmett.errors import RequestError
from emmett.server.body_feed import HIGH_WATER, BodyFeed
from emmett.server.flow import BODY, FlowControl
from tests.websockets.memory_transport import MemoryTransport


class Feed(BodyFeed):
    """A feed with a transport of its own.

    Attributes:
        invitations: the number of times the peer was asked to send the body.
    """

    def __init__(self, *, waits: bool = False) -> None:
        self.transport = MemoryTransport()
        self.invitations = 0
        super().__init__(FlowControl(self.transport, copy_context()), self.count if waits else None)

    def count(self) -> None:
        self.invitations += 1

    def is_reading(self) -> bool:
        return self.transport.reading


async def test_received_data_is_read_at_once() -> None:
    feed = Feed()
    feed.put(b"one")
    feed.put(b"two")
    assert await feed.read() == b"onetwo"
    feed.put(b"three")
    feed.end()
    assert [await feed.read() for _ in range(3)] == [b"three", b"", b""]


async def test_a_reader_waits_for_data() -> None:
    feed = Feed()
    happenings: list[tuple[Callable[[], None], bytes]] = [(lambda: feed.put(b"one"), b"one"), (feed.end, b"")]
    for happen, result in happenings:
        reading = asyncio.create_task(feed.read())
        await asyncio.sleep(0)
        assert not reading.done()
        happen()
        assert await reading == result


async def test_a_cancelled_reader_loses_nothing() -> None:
    feed = Feed()
    reading = asyncio.create_task(feed.read())
    await asyncio.sleep(0)
    reading.cancel()
    feed.put(b"one")
    await asyncio.wait((reading,))
    assert await feed.read() == b"one"


async def test_the_connection_is_not_read_while_too_much_is_unread() -> None:
    feed = Feed()
    feed.put(b"x" * HIGH_WATER)
    assert feed.is_reading()
    feed.put(b"x")
    feed.put(b"x")
    assert not feed.is_reading()
    assert len(await feed.read()) == HIGH_WATER + 2
    assert feed.is_reading()


async def test_a_waiting_reader_resumes_reading_of_the_connection() -> None:
    feed = Feed()
    feed._flow.pause_reading(BODY)
    reading = asyncio.create_task(feed.read())
    await asyncio.sleep(0)
    assert feed.is_reading()
    feed.end()
    await reading


@pytest.mark.parametrize("waits", [False, True])
async def test_a_peer_that_leaves_is_an_error_for_the_reader(waits: bool) -> None:
    feed = Feed()
    feed.put(b"half")
    if waits:
        await feed.read()
    reading = asyncio.create_task(feed.read())
    if waits:
        await asyncio.sleep(0)
    feed.stop()
    for task in (reading, asyncio.create_task(feed.read())):
        with pytest.raises(RequestError) as left:
            await task
        assert left.value.status == 400


async def test_a_discarded_body_is_not_kept() -> None:
    feed = Feed()
    feed.stop()
    for _ in range(9):
        feed.put(b"x" * HIGH_WATER)
    assert feed.is_reading()
    assert not feed._unread


async def test_the_peer_is_asked_for_its_body_only_once() -> None:
    feed = Feed(waits=True)
    assert feed.is_uninvited
    reading = asyncio.create_task(feed.read())
    await asyncio.sleep(0)
    assert feed.invitations == 1
    assert not feed.is_uninvited
    feed.put(b"body")
    assert await reading == b"body"
    feed.end()
    await feed.read()
    assert feed.invitations == 1


async def test_a_peer_need_not_wait_to_be_asked() -> None:
    feed = Feed(waits=True)
    feed.put(b"body")
    feed.end()
    assert not feed.is_uninvited
    assert await feed.read() == b"body"
    assert feed.invitations == 0
