"""Peers that send too much, and how little this affects others (reliability: Exhaustion)."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from emmett import App, Websocket, WebsocketClosed, websocket
from emmett.wire.frames import FRAMES_A_TURN
from tests.integration.raw_client import connect
from tests.integration.servers import run_emmett
from tests.wire.frame_maker import BINARY, CLOSE, PING, PONG, TEXT, client_frame, close_payload

pytestmark = pytest.mark.loops("asyncio", "uvloop")


async def test_a_million_empty_messages_never_block_the_loop() -> None:
    """Reliability, line 48: counted in messages in a turn of the loop, since times would depend on the machine."""
    app = App(__name__)
    total = this_turn = most = 0
    ended = asyncio.Event()

    @app.websocket("/")
    async def count() -> None:
        nonlocal total, this_turn, most
        async for _ in websocket:
            total += 1
            this_turn += 1
            most = max(most, this_turn)
        ended.set()

    async def watch() -> None:
        nonlocal this_turn
        while True:
            await asyncio.sleep(0)
            this_turn = 0

    burst = client_frame(TEXT, b"") * 10_000
    async with run_emmett(app) as running, connect(running.port) as client:
        watching = asyncio.create_task(watch())
        await client.upgrade("/")
        for _ in range(100):
            client.write(burst)
            await client.writer.drain()
        assert await client.close() == (1000, "")
        # The sweep may find and answer the Close frame while earlier messages still wait for the handler.
        await ended.wait()
        watching.cancel()
    assert total == 1_000_000
    assert most <= 2 * FRAMES_A_TURN


async def test_a_flood_of_pings_with_unread_answers_takes_little_memory() -> None:
    """Reliability, line 43: only the latest Ping of a turn is answered, so almost nothing is kept for the peer."""
    app = App(__name__)

    @app.websocket("/")
    async def idle() -> None:
        await websocket.receive()

    burst = client_frame(PING, b"x" * 125) * 1000
    async with run_emmett(app) as running, connect(running.port, limit=1024) as client:
        await client.upgrade("/")
        assert running.server is not None
        (protocol,) = running.server.server_state.connections
        transport = protocol._transport
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        most = 0
        for _ in range(200):
            client.write(burst)
            await client.writer.drain()
            most = max(most, transport.get_write_buffer_size())
        assert not transport.is_closing()
        # The answers to all 26 MB would take as much.
        assert most <= 128 * 1024


async def test_a_flood_of_pongs_is_ignored() -> None:
    """Reliability, line 50."""
    app = App(__name__)

    @app.websocket("/")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        tasks = len(asyncio.all_tasks())
        for number in range(100):
            client.write(client_frame(PONG, b"%d" % number) * 1000)
            await client.writer.drain()
        client.write(client_frame(TEXT, b"still here"))
        assert await client.read_frame() == (TEXT, b"still here")
        assert len(asyncio.all_tasks()) == tasks


async def test_a_frame_in_one_byte_reads_takes_memory_for_its_bytes() -> None:
    """Reliability, line 45."""
    app = App(__name__)

    @app.websocket("/")
    async def size() -> None:
        await websocket.send(str(len(await websocket.receive())))
        await websocket.receive()

    frame = client_frame(TEXT, b"x" * 3000)
    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        for index in range(len(frame)):
            client.write(frame[index : index + 1])
            await asyncio.sleep(0)
        assert await client.read_frame() == (TEXT, b"3000")
        client.write(client_frame(CLOSE, close_payload(1000)))
        assert await client.read_close() == (1000, "")


@pytest.mark.parametrize("payload", [b"", b"x"])
async def test_too_many_fragments_are_refused(payload: bytes) -> None:
    """Reliability, line 44."""
    app = App(__name__)

    @app.websocket("/", max_fragments=100, max_message_size=100)
    async def idle() -> None:
        await websocket.receive()

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        client.write(client_frame(TEXT, payload, fin=False) + client_frame(0, payload, fin=False) * 200)
        assert (await client.read_close())[0] == 1009
        assert await client.read_end() == b""


async def test_a_slow_reader_in_a_broadcast_is_dropped_and_delays_no_other() -> None:
    """Reliability, line 42."""
    app = App(__name__)
    members: set[Websocket] = set()
    dropped: asyncio.Queue[int] = asyncio.Queue()

    @app.websocket("/", write_limit=200_000)
    async def room() -> None:
        await websocket.accept()
        members.add(websocket.connection)
        try:
            await websocket.receive()
        except WebsocketClosed as closed:
            dropped.put_nowait(closed.code)
        finally:
            members.discard(websocket.connection)

    message = b"x" * 10_000
    async with run_emmett(app) as running, contextlib.AsyncExitStack() as stack:
        slow = await stack.enter_async_context(connect(running.port, limit=1024))
        await slow.upgrade("/")
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        readers = [await stack.enter_async_context(connect(running.port)) for _ in range(20)]
        for reader in readers:
            await reader.upgrade("/")
        told = 0
        while dropped.empty():
            for member in list(members):
                with contextlib.suppress(WebsocketClosed):
                    member.send_nowait(message)
            told += 1
            assert told < 10_000, "the slow reader was not dropped"
            for reader in readers:
                assert await reader.read_frame() == (BINARY, message)
        assert await dropped.get() == 1006
        assert len(members) == 20
