"""The default server in memory, and the effects of faults of its connections."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emmett import App, Response, WebsocketClosed, request, stream, websocket
from emmett.errors import UsageError
from emmett.testing import Faults, MemoryConnection, MemoryServer
from tests.integration.raw_client import upgrade_request
from tests.testing.recording import settled
from tests.wire.frame_maker import CLOSE, TEXT, client_frame, close_payload

pytestmark = pytest.mark.loops("asyncio", "uvloop")

GET = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
HELLO = client_frame(TEXT, b"hello")
LEAVE = client_frame(CLOSE, close_payload(1000))


def make_app() -> App:
    app = App(__name__)

    @app.route("/hello", methods=["get", "post"])
    async def hello() -> str:
        return f"hello {request.client[0] if request.client else ''} {request.scheme} {len(await request.body)}"

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    return app


def feeding_app() -> tuple[App, asyncio.Event]:
    """Return an application with an endless stream at /events, and an event that is set when the stream ends."""
    app = make_app()
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[str]:
        try:
            yield "first"
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    @app.route("/events")
    async def feed() -> Response:
        return stream.sse(endless())

    return app, ended


async def read_until(client: MemoryConnection, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        data = await client.read()
        assert data, received
        received += data
    return received


async def test_requests_and_websockets_are_served() -> None:
    async with MemoryServer(make_app()) as server:
        client = server.connect(client=("192.0.2.1", 5), secure=True)
        client.write(GET)
        answer = await read_until(client, b"hello 192.0.2.1 https 0")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
        client.write(upgrade_request("/echo") + HELLO)
        assert (await read_until(client, b"\x81\x05hello")).startswith(b"HTTP/1.1 101 ")
        client.write(LEAVE)
        assert await read_until(client, b"\x88\x02\x03\xe8")
        assert await client.read() == b""
        await settled()
        assert server.connections == 0


async def test_start_up_and_shutdown_run() -> None:
    app = make_app()
    order: list[str] = []
    app.on_startup(lambda: order.append("up"))
    app.on_shutdown(lambda: order.append("down"))
    async with MemoryServer(app):
        order.append("inside")
    assert order == ["up", "inside", "down"]


async def test_a_failed_startup_is_raised() -> None:
    app = make_app()

    @app.on_startup
    async def fail() -> None:
        raise LookupError("no database")

    server = MemoryServer(app)
    with pytest.raises(LookupError, match="no database"):
        await server.__aenter__()
    with pytest.raises(UsageError, match="is not running"):
        server.connect()


async def test_several_servers_can_run_in_one_loop() -> None:
    async with MemoryServer(make_app()) as one, MemoryServer(make_app()) as other:
        clients = [one.connect(), other.connect(), one.connect()]
        for client in clients:
            client.write(GET)
            await read_until(client, b" http 0")
        assert (one.connections, other.connections) == (2, 1)


async def test_it_can_run_again_in_another_loop() -> None:
    server = MemoryServer(make_app())

    async def visit() -> bytes:
        async with server:
            client = server.connect()
            client.write(GET)
            return await read_until(client, b" http 0")

    first = await visit()
    second = await asyncio.to_thread(asyncio.run, visit())
    assert first.partition(b"date")[0] == second.partition(b"date")[0]


async def test_it_runs_once_at_a_time() -> None:
    async with MemoryServer(make_app()) as server:
        with pytest.raises(UsageError, match="already running"):
            await server.__aenter__()


async def test_the_end_drains_websockets() -> None:
    async with MemoryServer(make_app()) as server:
        client = server.connect()
        client.write(upgrade_request("/echo") + HELLO)
        await read_until(client, b"hello")
    assert await client.read() == b"\x88\x11\x03\xf4service restart"
    assert await client.read() == b""


async def test_a_handler_that_does_not_end_is_cancelled() -> None:
    app = make_app()
    app.config.server.shutdown_timeout = 0.01
    ended: list[str] = []

    @app.route("/stuck")
    async def stuck() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("cancelled")

    async with MemoryServer(app) as server:
        client = server.connect()
        client.write(GET.replace(b"hello", b"stuck"))
        await settled()
    assert ended == ["cancelled"]
    assert (await client.read()).startswith(b"HTTP/1.1 503 ")


async def test_deadlines_expire_without_waiting() -> None:
    app = make_app()
    app.config.websocket.ping_interval, app.config.websocket.ping_timeout = 20.0, 20.0
    async with MemoryServer(app) as server:
        slow, idle = server.connect(), server.connect()
        slow.write(GET[:10])
        idle.write(upgrade_request("/echo") + HELLO)
        await read_until(idle, b"hello")
        await server.sweep(9.0)
        assert not slow.closed
        await server.sweep(11.0)
        assert (await slow.read()).startswith(b"HTTP/1.1 408 ")
        await server.sweep(21.0)
        assert (await idle.read())[:1] == b"\x89"
        await server.sweep(45.0)
        with pytest.raises(ConnectionResetError):
            await idle.read()


async def test_a_client_without_a_next_request_is_dropped() -> None:
    async with MemoryServer(make_app()) as server:
        client = server.connect()
        client.write(GET)
        await read_until(client, b" http 0")
        await server.sweep(4.0)
        assert not client.closed
        await server.sweep(6.0)
        assert await client.read() == b""
        assert server.connections == 0


async def test_a_handshake_has_a_deadline() -> None:
    app = make_app()
    ended: list[str] = []

    @app.websocket("/slow")
    async def slow() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("cancelled")

    async with MemoryServer(app) as server:
        client = server.connect()
        client.write(upgrade_request("/slow"))
        await settled()
        await server.sweep(9.0)
        assert ended == []
        await server.sweep(11.0)
        assert ended == ["cancelled"]
        assert (await client.read()).startswith(b"HTTP/1.1 503 ")
        client.close()


@pytest.mark.parametrize(
    ("sent", "seconds", "answer"),
    [
        pytest.param(HELLO[:3], 31.0, b"\x88\x1d\x03\xf0frame not whole within 30 s", id="frame"),
        pytest.param(client_frame(TEXT, b"close"), 11.0, b"", id="close"),
    ],
)
async def test_a_websocket_has_deadlines(sent: bytes, seconds: float, answer: bytes) -> None:
    app = make_app()
    app.config.websocket.ping_interval = None

    @app.websocket("/obeys")
    async def obeys() -> None:
        async for _ in websocket:
            await websocket.close()

    async with MemoryServer(app) as server:
        client = server.connect()
        client.write(upgrade_request("/obeys") + sent)
        await settled()
        # The first sweep sees that the frame has begun.
        await server.sweep(1.0)
        assert server.connections == 1
        await server.sweep(1.0 + seconds)
        if answer:
            assert (await read_until(client, answer)).startswith(b"HTTP/1.1 101 ")
        else:
            with pytest.raises(ConnectionResetError):
                await client.read()


async def test_a_client_that_does_not_read_stops_the_sender() -> None:
    app = make_app()
    sent: list[int] = []

    @app.websocket("/flood")
    async def flood() -> None:
        for number in range(200):
            await websocket.send("x" * 1000)
            sent.append(number)

    async with MemoryServer(app) as server:
        client = server.connect(faults=Faults(window=1000))
        client.write(upgrade_request("/flood"))
        await settled()
        assert 60 <= len(sent) <= 70
        received = 0
        while received < 200 * 1004:
            received += len(await client.read())
        assert len(sent) == 200


@pytest.mark.parametrize("error", [None, ConnectionResetError("by peer")])
async def test_the_client_may_reset_while_the_handler_sends(error: OSError | None) -> None:
    app = make_app()
    ended: list[int | None] = []

    @app.websocket("/flood")
    async def flood() -> None:
        try:
            while True:
                await websocket.send("x" * 1000)
        except WebsocketClosed as closed:
            ended.append(closed.code)

    async with MemoryServer(app) as server:
        client = server.connect(faults=Faults(window=1000))
        client.write(upgrade_request("/flood"))
        await settled()
        client.reset(error)
        await settled()
        assert (ended, server.connections) == ([1006], 0)


async def test_a_stream_ends_when_its_client_leaves() -> None:
    app, ended = feeding_app()
    async with MemoryServer(app) as server:
        client = server.connect()
        client.write(GET.replace(b"hello", b"events"))
        await read_until(client, b"data: first\n\n\r\n")
        client.close()
        await ended.wait()


CONVERSATION = upgrade_request("/echo") + HELLO + client_frame(TEXT, b"world") + LEAVE


@pytest.mark.parametrize("error", [None, ConnectionResetError("by peer")])
async def test_a_break_at_any_byte_leaves_nothing(error: OSError | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with MemoryServer(make_app()) as server:
        for at in range(len(CONVERSATION)):
            client = server.connect(faults=Faults(break_after=at, error=error))
            client.write(CONVERSATION)
            await settled()
            assert server.connections == 0, f"broken at {at}"
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    left = {task.get_name() for task in asyncio.all_tasks()} - {asyncio.current_task().get_name()}  # type: ignore[union-attr]
    assert not left


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(0, 1000), st.integers(1, 200))
async def test_the_responses_do_not_depend_on_the_pieces(piece: int, seed: int, window: int) -> None:
    posted = b"POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345"
    async with MemoryServer(make_app()) as server:
        client = server.connect(faults=Faults(piece=piece, seed=seed, window=window))
        client.write(GET + posted + CONVERSATION.removesuffix(LEAVE))
        received = await read_until(client, b"\x81\x05world")
        client.write(LEAVE)
        while data := await client.read():
            received += data
    first, second, handshake = received.split(b"HTTP/1.1 ")[1:]
    assert first.endswith(b"\r\n\r\nhello 127.0.0.1 http 0")
    assert second.endswith(b"\r\n\r\nhello 127.0.0.1 http 5")
    assert handshake.endswith(b"\r\n\r\n\x81\x05hello\x81\x05world\x88\x02\x03\xe8")


@pytest.mark.parametrize("how", [MemoryConnection.close, MemoryConnection.reset])
async def test_an_ended_connection_is_freed(how: Callable[[MemoryConnection], None]) -> None:
    gc.collect()
    gc.disable()
    try:
        async with MemoryServer(make_app()) as server:
            client = server.connect()
            client.write(upgrade_request("/echo") + HELLO)
            await read_until(client, b"\x81\x05hello")
            references = [weakref.ref(each) for each in (client, client.transport, client.transport.get_protocol())]
            how(client)
            await settled()
            del client
            assert [reference() for reference in references] == [None, None, None]
            assert asyncio.all_tasks() == {asyncio.current_task()}
    finally:
        gc.enable()


async def test_a_handler_that_does_not_end_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emmett.testing.server._CANCEL_GRACE", 0.01)
    app = make_app()
    release = asyncio.Event()
    down: list[str] = []
    app.on_shutdown(lambda: down.append("down"))

    @app.route("/stubborn")
    async def stubborn() -> None:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    server = MemoryServer(app, drain_timeout=0.0)
    await server.__aenter__()
    server.connect().write(GET.replace(b"hello", b"stubborn"))
    await settled()
    with pytest.raises(TimeoutError, match="after they were cancelled: Task-"):
        await server.__aexit__(None, None, None)
    assert down == ["down"]
    release.set()
    await settled()


async def test_the_drain_timeout_can_be_shortened_for_tests() -> None:
    app = make_app()

    @app.route("/stuck")
    async def stuck() -> None:
        await asyncio.get_running_loop().create_future()

    async with MemoryServer(app, drain_timeout=0.01) as server:
        client = server.connect()
        client.write(GET.replace(b"hello", b"stuck"))
        await settled()
    assert (await client.read()).startswith(b"HTTP/1.1 503 ")


async def test_an_abandoned_stream_ends_even_if_requests_wait_after_it() -> None:
    """The server does not read during a response, so it must check whether the client has left."""
    app, ended = feeding_app()
    async with MemoryServer(app) as server:
        client = server.connect()
        client.write(GET.replace(b"hello", b"events") * 2)
        await read_until(client, b"data: first\n\n\r\n")
        client.close()
        await settled()
        assert not ended.is_set()
        await server.sweep(1)
        await ended.wait()
        await settled()
        assert server.connections == 0
