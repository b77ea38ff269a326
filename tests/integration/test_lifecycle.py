"""How connections of the default server begin and end, byte for byte (reliability: Lifecycle, and its neighbours)."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import struct
import weakref
from collections.abc import Iterator

import pytest

from emmett import App, Websocket, WebsocketClosed, websocket
from emmett.ctx import current_websocket
from emmett.wire.encoding import encode_message
from tests.integration.raw_client import RawClient, connect, upgrade_request
from tests.integration.servers import gone, run_emmett, settle
from tests.wire.frame_maker import BINARY, CLOSE, PING, PONG, TEXT, client_frame, close_payload

pytestmark = pytest.mark.loops("asyncio", "uvloop")


def echo_app() -> App:
    app = App(__name__)

    @app.websocket("/")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    return app


async def test_frames_may_arrive_in_one_segment_with_the_handshake() -> None:
    frames = client_frame(TEXT, b"one") + client_frame(BINARY, b"two")
    async with run_emmett(echo_app()) as running, connect(running.port) as client:
        await client.upgrade("/", behind=frames + client_frame(TEXT, b"three")[:4])
        client.write(client_frame(TEXT, b"three")[4:])
        assert [await client.read_frame() for _ in range(3)] == [(TEXT, b"one"), (BINARY, b"two"), (TEXT, b"three")]
        assert await client.close() == (1000, "")


async def test_the_handshake_may_be_cut_at_every_byte() -> None:
    stream = upgrade_request("/") + client_frame(TEXT, b"hello")
    async with run_emmett(echo_app()) as running:
        for cut in range(1, len(stream)):
            async with connect(running.port) as client:
                client.write(stream[:cut])
                await asyncio.sleep(0)
                client.write(stream[cut:])
                assert (await client.read_head())[0] == 101
                assert await client.read_frame() == (TEXT, b"hello")


async def test_a_request_may_be_pipelined_before_the_upgrade() -> None:
    app = echo_app()
    answer = asyncio.Event()

    @app.route()
    async def slow() -> str:
        await answer.wait()
        return "slow"

    async with run_emmett(app) as running, connect(running.port) as client:
        client.write(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n" + upgrade_request("/") + client_frame(TEXT, b"hello"))
        client.write(client_frame(TEXT, b"world"))
        await settle()
        answer.set()
        status, _, body = await client.read_response()
        assert (status, body) == (200, b"slow")
        assert (await client.read_head())[0] == 101
        assert [await client.read_frame() for _ in range(2)] == [(TEXT, b"hello"), (TEXT, b"world")]


async def test_no_keep_alive_timer_survives_the_upgrade() -> None:
    app = echo_app()

    @app.route("/page")
    async def page() -> str:
        return "page"

    async with run_emmett(app) as running, connect(running.port) as client:
        assert running.server is not None
        running.server.config.timeout_keep_alive = 0.1
        client.write(b"GET /page HTTP/1.1\r\nHost: h\r\n\r\n" * 64)
        for _ in range(64):
            assert (await client.read_response())[0] == 200
        await client.upgrade("/")
        await asyncio.sleep(0.3)
        client.write(client_frame(TEXT, b"alive"))
        assert await client.read_frame() == (TEXT, b"alive")


async def test_pings_are_answered_between_messages() -> None:
    async with run_emmett(echo_app()) as running, connect(running.port) as client:
        await client.upgrade("/")
        client.write(client_frame(PING, b"?") + client_frame(TEXT, b"one") + client_frame(PONG, b"unasked"))
        assert {await client.read_frame() for _ in range(2)} == {(PONG, b"?"), (TEXT, b"one")}


async def test_the_close_code_is_echoed() -> None:
    async with run_emmett(echo_app()) as running:
        for code in (1000, 1001, 3000, 4999):
            async with connect(running.port) as client:
                await client.upgrade("/")
                assert await client.close(code) == (code, "")
        async with connect(running.port) as client:
            await client.upgrade("/")
            client.write(client_frame(CLOSE))
            assert await client.read_frame() == (CLOSE, b"")
            assert await client.read_end() == b""


async def test_a_valid_frame_before_an_invalid_one_is_delivered() -> None:
    async with run_emmett(echo_app()) as running, connect(running.port) as client:
        await client.upgrade("/")
        client.write(client_frame(TEXT, b"good") + client_frame(TEXT, b"bad", mask=None) + b"\xff" * 100_000)
        frames = [await client.read_frame()]
        if frames[0][0] == TEXT:
            assert frames[0] == (TEXT, b"good")
            frames = [await client.read_frame()]
        assert frames[0][0] == CLOSE
        assert frames[0][1][:2] == (1002).to_bytes(2, "big")
        assert await client.read_end() == b""


async def test_a_thousand_messages_before_a_close_are_delivered() -> None:
    app = App(__name__)
    handled: list[str | bytes] = []
    ended = asyncio.Event()

    @app.websocket("/")
    async def work() -> None:
        try:
            async for message in websocket:
                await asyncio.sleep(0.001)
                handled.append(message)
        finally:
            ended.set()

    messages = b"".join(client_frame(TEXT, str(number).encode()) for number in range(1000))
    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/", behind=messages + client_frame(CLOSE, close_payload(1000)))
        await ended.wait()
        assert handled == [str(number) for number in range(1000)]
        assert await client.read_close() == (1000, "")


@pytest.mark.parametrize("how", ["fin", "reset"])
async def test_a_broken_connection_delivers_its_messages_then_1006(how: str) -> None:
    """After FIN without Close, received messages are delivered, then 1006. RST may discard unread data."""
    app = App(__name__)
    ready = asyncio.Event()
    told: asyncio.Queue[list[object]] = asyncio.Queue()

    @app.websocket("/")
    async def work() -> None:
        received: list[object] = []
        await websocket.accept()
        await ready.wait()
        try:
            while True:
                received.append(await websocket.receive())
        except WebsocketClosed as closed:
            received.append(closed.code)
            with pytest.raises(WebsocketClosed):
                await websocket.send("too late")
        told.put_nowait(received)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        client.write(b"".join(client_frame(TEXT, str(number).encode()) for number in range(40)))
        if how == "fin":
            client.writer.write_eof()
            ready.set()
            assert await told.get() == [*(str(number) for number in range(40)), 1006]
        else:
            sock = client.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.writer.transport.abort()
            await settle()
            ready.set()
            received = await told.get()
            assert received[-1] == 1006
            assert received[:-1] == [str(number) for number in range(len(received) - 1)]


async def test_a_half_closed_peer_still_gets_sent_messages() -> None:
    app = App(__name__)

    @app.websocket("/")
    async def work() -> None:
        for number in range(20):
            await websocket.send(str(number))
        await websocket.receive()

    async with run_emmett(app) as running, connect(running.port) as client:
        client.write(upgrade_request("/"))
        client.writer.write_eof()
        assert (await client.read_head())[0] == 101
        data = await client.read_end()
    assert data == b"".join(encode_message(str(number)) for number in range(20))


async def test_the_close_frame_comes_after_all_sent_messages() -> None:
    """This holds above the high-water mark, with a peer that starts to read late (reliability, line 56)."""
    app = App(__name__)

    @app.websocket("/")
    async def flood() -> None:
        await websocket.accept()
        async with asyncio.TaskGroup() as tasks:
            for number in range(64):
                tasks.create_task(websocket.send(bytes([number]) * 65536))
            await settle()
            tasks.create_task(websocket.close(4000, "done"))

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        await settle()
        for number in range(64):
            assert await client.read_frame() == (BINARY, bytes([number]) * 65536)
        assert await client.read_close() == (4000, "done")


async def test_a_cancelled_close_still_closes_in_its_turn() -> None:
    app = App(__name__)
    cancelled = asyncio.Event()

    @app.websocket("/", close_timeout=0.2)
    async def flood() -> None:
        await websocket.accept()
        with pytest.raises(TimeoutError):
            while True:
                await asyncio.wait_for(websocket.send(b"x" * 65536), 0.1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(websocket.close(4000, "done"), 0.05)
        cancelled.set()

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        await cancelled.wait()
        assert await client.read_close() == (4000, "done")
        assert await client.read_end() == b""
        await gone(running)


async def test_the_peer_may_close_while_a_send_is_blocked() -> None:
    app = App(__name__)
    told: asyncio.Queue[int] = asyncio.Queue()

    @app.websocket("/")
    async def flood() -> None:
        try:
            while True:
                await websocket.send(b"x" * 65536)
        except WebsocketClosed as closed:
            told.put_nowait(closed.code)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        await settle()
        client.write(client_frame(CLOSE, close_payload(4001)))
        assert await told.get() == 4001
        assert (await client.read_close())[0] == 4001


async def test_both_sides_may_close_at_once() -> None:
    app = App(__name__)
    close = asyncio.Event()

    @app.websocket("/")
    async def work() -> None:
        await websocket.accept()
        await close.wait()
        await websocket.close(4000)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        close.set()
        client.write(client_frame(CLOSE, close_payload(4001)))
        assert (await client.read_close())[0] in {4000, 4001}
        assert await client.read_end() == b""
        await gone(running)


async def test_a_peer_that_ignores_the_close_is_dropped_at_the_close_timeout() -> None:
    app = App(__name__)

    @app.websocket("/", close_timeout=0.1)
    async def work() -> None:
        await websocket.accept()

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        assert await client.read_close() == (1000, "")
        client.write(client_frame(TEXT, b"data after Close is ignored"))
        assert await client.read_end() == b""
        await gone(running)


async def test_a_peer_that_does_not_read_is_dropped_at_the_send_timeout() -> None:
    app = App(__name__)
    told: asyncio.Queue[int] = asyncio.Queue()

    @app.websocket("/", send_timeout=0.1)
    async def flood() -> None:
        try:
            while True:
                await websocket.send(b"x" * 65536)
        except WebsocketClosed as closed:
            told.put_nowait(closed.code)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        assert await told.get() == 1006
        await gone(running)


async def test_a_handshake_without_an_answer_is_refused_at_the_accept_timeout() -> None:
    app = App(__name__)
    ended = asyncio.Event()

    @app.websocket("/", accept_timeout=0.1)
    async def hesitate() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with run_emmett(app) as running, connect(running.port) as client:
        client.write(upgrade_request("/"))
        assert (await client.read_response())[0] == 503
        await ended.wait()
        # The data of a refused peer is read until it closes, too.
        client.writer.close()
        await gone(running)


async def test_a_busy_handler_has_its_grace_after_the_peer_has_gone() -> None:
    app = App(__name__)
    told: asyncio.Queue[str] = asyncio.Queue()

    @app.websocket("/", disconnect_grace=0.2)
    async def busy() -> None:
        await websocket.accept()
        await websocket.wait_closed()
        told.put_nowait("gone")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.put_nowait("cancelled")
            raise

    async with run_emmett(app) as running:
        async with connect(running.port) as client:
            await client.upgrade("/")
            await client.close()
        assert await told.get() == "gone"
        assert told.empty()
        assert await told.get() == "cancelled"
        await gone(running)


async def test_a_handler_that_takes_from_its_inbox_is_not_busy_elsewhere() -> None:
    app = App(__name__)
    handled: list[str | bytes] = []
    ended = asyncio.Event()

    @app.websocket("/", disconnect_grace=0.5)
    async def work() -> None:
        async for message in websocket:
            await asyncio.sleep(0.06)
            handled.append(message)
        ended.set()

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        client.write(b"".join(client_frame(TEXT, str(number).encode()) for number in range(12)))
        await client.close()
        await ended.wait()
    assert handled == [str(number) for number in range(12)]


async def test_a_handler_that_does_not_receive_stops_the_sender() -> None:
    app = App(__name__)
    receive = asyncio.Event()
    count = 0

    @app.websocket("/")
    async def work() -> None:
        nonlocal count
        await websocket.accept()
        await receive.wait()
        async for _ in websocket:
            count += 1

    frame = client_frame(BINARY, b"x" * 65536)
    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        sent = await fill(client, frame)
        # What the kernel and the inbox can hold, instead of a hundred times that.
        assert sent < 400
        receive.set()
        await client.writer.drain()
        await client.close()
        await gone(running)
    assert count == sent


async def fill(client: RawClient, frame: bytes) -> int:
    """Send frames until the other side takes no more; returns how many are on their way."""
    sent = 0
    while True:
        client.write(frame)
        sent += 1
        try:
            async with asyncio.timeout(0.3):
                await client.writer.drain()
        except TimeoutError:
            return sent


async def test_a_peer_may_leave_before_the_handshake_is_answered() -> None:
    app = App(__name__)
    told: asyncio.Queue[int] = asyncio.Queue()
    ready = asyncio.Event()

    @app.websocket("/")
    async def work() -> None:
        ready.set()
        await websocket.wait_closed()
        with pytest.raises(WebsocketClosed) as closed:
            await websocket.accept()
        told.put_nowait(closed.value.code)

    async with run_emmett(app) as running:
        async with connect(running.port) as client:
            client.write(upgrade_request("/"))
            await ready.wait()
        assert await told.get() == 1006
        await gone(running)


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("end", ["peer closes", "peer vanishes", "handler returns", "handler raises"])
async def test_a_connection_is_freed_at_once_when_it_ends(end: str, caplog: pytest.LogCaptureFixture) -> None:
    """There are no reference cycles: 1,000 connections come and go with the garbage collector disabled."""
    # The log captured by pytest would keep the tracebacks.
    caplog.set_level("CRITICAL", "emmett")
    app = App(__name__)
    alive: weakref.WeakSet[Websocket] = weakref.WeakSet()

    @app.websocket("/")
    async def work() -> None:
        alive.add(current_websocket.get())
        await websocket.send(await websocket.receive())
        if end == "handler raises":
            raise WebsocketClosed(1000)
        if end != "handler returns":
            await websocket.receive()

    async def visit(port: int) -> None:
        async with connect(port) as client:
            await client.upgrade("/", behind=client_frame(TEXT, b"hello"))
            assert await client.read_frame() == (TEXT, b"hello")
            if end == "peer closes":
                await client.close()
            elif end != "peer vanishes":
                code, _ = await client.read_close()
                client.write(client_frame(CLOSE, close_payload(code)))
                await client.read_end()

    async with run_emmett(app) as running:
        await visit(running.port)
        await gone(running)
        with without_collector():
            descriptors = len(os.listdir("/proc/self/fd"))
            for _ in range(20):
                async with asyncio.TaskGroup() as visitors:
                    for _ in range(50):
                        visitors.create_task(visit(running.port))
                await gone(running)
            assert len(alive) == 0
            assert len(os.listdir("/proc/self/fd")) <= descriptors
