"""Parts of a body and the departure of the peer, for a reader and a concurrent watcher."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett.asgi.incoming import Incoming
from emmett.errors import RequestError

GONE = {"type": "http.disconnect"}


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


class Server:
    """Gives events as they are put in; two tasks that ask at once are an error, as on some servers."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for event in events:
            self.events.put_nowait(event)
        self.asked = False

    async def receive(self) -> dict[str, Any]:
        assert not self.asked, "asked twice at once"
        self.asked = True
        try:
            return await self.events.get()
        finally:
            self.asked = False


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def read_all(incoming: Incoming) -> list[bytes]:
    parts = []
    while body := await incoming.read():
        parts.append(body)
    return parts


async def test_after_its_end_the_body_stays_empty() -> None:
    incoming = Incoming(Server(part(b"one"), part(b""), {"type": "http.request", "body": b"two"}).receive)
    assert await read_all(incoming) == [b"one", b"two"]
    # `receive` is not called again, as the server has nothing left to give.
    assert await incoming.read() == b""


async def test_a_peer_that_leaves_during_its_body_is_an_error_for_the_reader() -> None:
    incoming = Incoming(Server(part(b"one"), GONE).receive)
    assert await incoming.read() == b"one"
    with pytest.raises(RequestError) as left:
        await incoming.read()
    assert left.value.status == 400
    assert await incoming.read() == b""


async def test_a_peer_that_leaves_after_its_body_is_noticed() -> None:
    server = Server(part(b"", more=False))
    incoming = Incoming(server.receive)
    assert await incoming.read() == b""
    watching = asyncio.create_task(incoming.wait_gone())
    await turns()
    assert not watching.done()
    server.events.put_nowait(GONE)
    await watching


async def test_an_unread_body_stays_available_when_the_peer_leaves() -> None:
    incoming = Incoming(Server(part(b"all", more=False), GONE).receive)
    await incoming.wait_gone()
    # The body is still available.
    assert await read_all(incoming) == [b"all"]


@pytest.mark.parametrize("reader_first", [True, False])
async def test_reading_and_watching_work_at_the_same_time(reader_first: bool) -> None:
    server = Server()
    incoming = Incoming(server.receive)
    reading = incoming.read() if reader_first else None
    first = asyncio.ensure_future(reading) if reading is not None else None
    await turns()
    watching = asyncio.create_task(incoming.wait_gone())
    await turns()
    expected = [b"%d" % number for number in range(10)]
    for body in expected:
        server.events.put_nowait(part(body))
        await turns()
    server.events.put_nowait(part(b"last", more=False))
    begin = [await first] if first is not None else []
    assert begin + await read_all(incoming) == [*expected, b"last"]
    await turns()
    assert not watching.done()
    server.events.put_nowait(GONE)
    await watching


@pytest.mark.parametrize("parts", [[b"all"], [b"one", b"two"]])
async def test_a_reader_gets_the_last_part_that_a_watcher_received(parts: list[bytes]) -> None:
    server = Server(*(part(each, more=each is not parts[-1]) for each in parts))
    incoming = Incoming(server.receive)
    watching = asyncio.create_task(incoming.wait_gone())
    await turns()
    async with asyncio.timeout(5):
        assert await read_all(incoming) == parts
    server.events.put_nowait(GONE)
    await watching


async def test_at_most_one_part_of_an_unread_body_is_kept() -> None:
    server = Server(*[part(b"%d" % number) for number in range(10)])
    watching = asyncio.create_task(Incoming(server.receive).wait_gone())
    await turns(30)
    assert server.events.qsize() == 9
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_a_cancelled_watcher_loses_no_part() -> None:
    server = Server()
    incoming = Incoming(server.receive)
    watching = asyncio.create_task(incoming.wait_gone())
    await turns()
    watching.cancel()
    await asyncio.wait((watching,))
    server.events.put_nowait(part(b"one", more=False))
    assert await read_all(incoming) == [b"one"]
