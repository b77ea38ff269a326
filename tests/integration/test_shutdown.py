"""SIGTERM, from the inside: the drain of the default server (reliability, lines 59 and 60)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from emmett import App, Response, stream, websocket
from tests.integration.raw_client import connect, upgrade_request
from tests.integration.servers import Running, run_emmett, settle
from tests.wire.frame_maker import CLOSE, TEXT, client_frame, close_payload

pytestmark = pytest.mark.loops("asyncio", "uvloop")


def stop(running: Running) -> None:
    """What the signal handler does."""
    assert running.server is not None
    running.server.should_exit = True


async def test_a_waiting_handler_is_closed_with_1012() -> None:
    app = App(__name__)
    ended: list[int | None] = []

    @app.websocket("/")
    async def echo() -> None:
        try:
            async for message in websocket:
                await websocket.send(message)
        finally:
            ended.append(websocket.close_code)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        client.write(client_frame(TEXT, b"hello"))
        assert await client.read_frame() == (TEXT, b"hello")
        stop(running)
        assert await client.read_close() == (1012, "service restart")
        client.write(client_frame(CLOSE, close_payload(1012)))
        assert await client.read_end() == b""
    assert ended == [1012]


async def test_received_messages_are_handled_and_answered_first() -> None:
    app = App(__name__)
    work = asyncio.Event()
    handled: list[str | bytes] = []

    @app.websocket("/", inbox_messages=4)
    async def slow() -> None:
        async for message in websocket:
            await work.wait()
            handled.append(message)
            await websocket.send(message)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        client.write(b"".join(client_frame(TEXT, b"%d" % number) for number in range(50)))
        assert running.server is not None
        (protocol,) = running.server.server_state.connections
        while not protocol.inbox.held_back:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        stop(running)
        await asyncio.sleep(0.15)
        # After the signal, so it is no longer accepted.
        client.write(client_frame(TEXT, b"late"))
        work.set()
        for number in range(50):
            assert await client.read_frame() == (TEXT, b"%d" % number)
        assert await client.read_close() == (1012, "service restart")
        client.write(client_frame(CLOSE, close_payload(1012)))
    assert handled == [str(number) for number in range(50)]


async def test_a_handler_that_only_sends_is_closed_at_once() -> None:
    app = App(__name__)

    @app.websocket("/")
    async def ticks() -> None:
        while True:
            await websocket.send("tick")
            await asyncio.sleep(0.01)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        stop(running)
        assert await client.read_close() == (1012, "service restart")
        client.write(client_frame(CLOSE, close_payload(1012)))


async def test_a_handler_that_returns_meanwhile_closes_with_1012_too() -> None:
    app = App(__name__)
    work = asyncio.Event()

    @app.websocket("/")
    async def one() -> None:
        await websocket.receive()
        await work.wait()
        await websocket.send("done")

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/", behind=client_frame(TEXT, b"start"))
        await settle()
        stop(running)
        await asyncio.sleep(0.15)
        work.set()
        assert await client.read_frame() == (TEXT, b"done")
        assert await client.read_close() == (1012, "service restart")
        client.write(client_frame(CLOSE, close_payload(1012)))


async def test_a_handshake_without_an_answer_is_refused_with_503() -> None:
    app = App(__name__)
    ready = asyncio.Event()

    @app.websocket("/")
    async def hesitate() -> None:
        ready.set()
        await asyncio.Event().wait()

    async with run_emmett(app) as running, connect(running.port) as client:
        client.write(upgrade_request("/"))
        await ready.wait()
        stop(running)
        assert (await client.read_response())[0] == 503


async def test_a_handler_that_does_not_end_is_cancelled_at_the_shutdown_timeout() -> None:
    app = App(__name__)
    app.config.server.shutdown_timeout = 0.3
    cancelled = asyncio.Event()

    @app.websocket("/")
    async def stubborn() -> None:
        await websocket.receive()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/", behind=client_frame(TEXT, b"start"))
        await settle()
        stop(running)
        assert await client.read_close() == (1012, "service restart")
        client.write(client_frame(CLOSE, close_payload(1012)))
    assert cancelled.is_set()


async def test_a_peer_that_does_not_read_does_not_delay_the_shutdown() -> None:
    app = App(__name__)
    app.config.server.shutdown_timeout = 0.5
    stalled = asyncio.Event()

    @app.websocket("/")
    async def flood() -> None:
        while True:
            sending = asyncio.ensure_future(websocket.send(b"x" * 65536))
            done, _ = await asyncio.wait((sending,), timeout=0.1)
            if not done:
                stalled.set()
                await sending

    # The client outlives the server; the test is that the server's block ends.
    async with contextlib.AsyncExitStack() as clients, run_emmett(app) as running:
        client = await clients.enter_async_context(connect(running.port))
        await client.upgrade("/")
        await stalled.wait()


async def test_a_stream_of_events_does_not_delay_the_shutdown() -> None:
    """Its client reconnects by itself; the source is closed before the application's own shutdown."""
    app = App(__name__)
    order: list[str] = []

    async def events() -> AsyncIterator[str]:
        try:
            yield "first"
            await asyncio.get_running_loop().create_future()
        finally:
            order.append("source")

    @app.route("/events")
    async def feed() -> Response:
        return stream.sse(events())

    @app.on_shutdown
    async def end() -> None:
        order.append("application")

    async with run_emmett(app) as running, connect(running.port) as client:
        client.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await client.reader.readuntil(b"data: first\n\n")
        stop(running)
        await client.read_end()
    assert order == ["source", "application"]
