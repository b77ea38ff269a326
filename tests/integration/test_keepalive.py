"""Pings, dead peers and unfinished frames on the default server."""

from __future__ import annotations

import asyncio

import pytest

from emmett import App, WebsocketClosed, websocket
from tests.integration.raw_client import connect
from tests.integration.servers import run_emmett
from tests.wire.frame_maker import CLOSE, PING, PONG, TEXT, client_frame, close_payload

pytestmark = pytest.mark.loops("asyncio", "uvloop")


async def test_a_dead_peer_is_gone_within_interval_plus_timeout() -> None:
    """Reliability, line 52: packets are lost; there is one disconnect, and the handler is notified."""
    app = App(__name__)
    told: asyncio.Queue[int] = asyncio.Queue()

    @app.websocket("/", ping_interval=0.1, ping_timeout=0.1)
    async def idle() -> None:
        try:
            await websocket.receive()
        except WebsocketClosed as closed:
            told.put_nowait(closed.code)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        assert await client.read_frame() == (PING, b"")
        assert await told.get() == 1006
        assert told.empty()


async def test_a_peer_that_answers_stays() -> None:
    app = App(__name__)

    @app.websocket("/", ping_interval=0.05, ping_timeout=0.05)
    async def idle() -> None:
        await websocket.send(await websocket.receive())

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        for _ in range(5):
            opcode, payload = await client.read_frame()
            assert opcode == PING
            client.write(client_frame(PONG, payload))
        client.write(client_frame(TEXT, b"here"))
        while (frame := await client.read_frame())[0] == PING:
            client.write(client_frame(PONG, frame[1]))
        assert frame == (TEXT, b"here")


async def test_a_peer_is_not_dead_because_its_handler_does_not_receive() -> None:
    app = App(__name__)
    receive = asyncio.Event()
    received: list[str | bytes] = []

    @app.websocket("/", ping_interval=0.05, ping_timeout=2, inbox_messages=2)
    async def busy() -> None:
        await websocket.accept()
        await receive.wait()
        async for message in websocket:
            received.append(message)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        client.write(b"".join(client_frame(TEXT, b"%d" % number) for number in range(20)))
        # The handler takes none of these, but later data is still read, so the Pongs count.
        for _ in range(10):
            assert await client.read_frame() == (PING, b"")
            client.write(client_frame(PONG))
        receive.set()
        client.write(client_frame(CLOSE, close_payload(1000)))
        assert await client.read_close() == (1000, "")
    assert received == [str(number) for number in range(20)]


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_an_endless_frame_fails_even_if_pings_are_answered(size: int) -> None:
    app = App(__name__)
    told: asyncio.Queue[int] = asyncio.Queue()

    @app.websocket("/", frame_timeout=0.1)
    async def idle() -> None:
        try:
            await websocket.receive()
        except WebsocketClosed as closed:
            told.put_nowait(closed.code)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        client.write(client_frame(TEXT, b"x" * 300)[:size])
        assert (await client.read_close())[0] == 1008
        assert await client.read_end() == b""
        assert await told.get() == 1008


async def test_a_ping_of_the_application_returns_the_round_trip() -> None:
    app = App(__name__)

    @app.websocket("/")
    async def measure() -> None:
        first, second = await asyncio.gather(websocket.ping(), websocket.ping())
        assert 0 < second <= first < 10
        await websocket.send("measured")

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        for _ in range(2):
            opcode, payload = await client.read_frame()
            assert opcode == PING
        client.write(client_frame(PONG, payload))
        assert await client.read_frame() == (TEXT, b"measured")


async def test_a_ping_ends_with_the_connection() -> None:
    app = App(__name__)
    told: asyncio.Queue[int] = asyncio.Queue()

    @app.websocket("/")
    async def measure() -> None:
        for _ in range(2):
            with pytest.raises(WebsocketClosed) as closed:
                await websocket.ping()
            told.put_nowait(closed.value.code)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        await client.read_frame()
        await client.close(4000)
        assert [await told.get(), await told.get()] == [4000, 4000]


async def test_a_peer_that_does_not_keep_up_with_send_nowait_is_dropped() -> None:
    app = App(__name__)
    told: asyncio.Queue[tuple[int, int]] = asyncio.Queue()

    @app.websocket("/", write_limit=200_000)
    async def flood() -> None:
        await websocket.accept()
        count = 0
        try:
            while True:
                websocket.send_nowait(b"x" * 10_000)
                count += 1
        except WebsocketClosed as closed:
            told.put_nowait((count, closed.code))

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        count, code = await told.get()
        # As much as the kernel accepted at once, and then no more than the limit.
        assert count >= 19
        assert code == 1006
