"""Each kind of thing that a peer can make the process hold counts towards `server.max_memory`, until it is gone."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from emmett import App, Channels, request, websocket
from emmett.testing import Faults, MemoryServer
from emmett.testing.transport import MemoryConnection
from tests.server.protocol_peer import settled
from tests.wire.frame_maker import BINARY, TEXT, client_frame

KIB = 1024
MIB = 1024 * KIB
OPENING = (
    b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


def make_app(max_memory: int | None = 16 * MIB, connections: int = 100) -> App:
    """Make an application whose handlers take nothing, or answer much."""
    app = App(__name__)
    app.config.server.max_memory = max_memory
    app.config.server.max_connections = connections
    app.config.http.max_body_size = 64 * MIB
    channels = Channels(app)
    for_ever = asyncio.Event()

    @app.websocket("/deaf", compression="deflate")
    async def deaf() -> None:
        await websocket.accept()
        await for_ever.wait()

    @app.websocket("/mute")
    async def mute() -> None:
        await for_ever.wait()

    @app.websocket("/talk")
    async def talk() -> None:
        await websocket.accept()
        await websocket.send(bytes(MIB))
        await websocket.send(bytes(MIB))

    @app.websocket("/listen")
    async def listen() -> None:
        async with channels.subscribe("news", deliver=websocket):
            for _ in range(20):
                await channels.publish("news", "x" * 64 * KIB)
            await for_ever.wait()

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.route("/body", methods="post")
    async def body() -> str:
        return str(len(await request.body))

    @app.route("/ignore", methods="post")
    async def ignore() -> str:
        await for_ever.wait()
        return ""

    @app.route("/large", methods="get")
    async def large() -> bytes:
        return bytes(MIB)

    return app


def deflated(size: int, *, final: bool) -> bytes:
    """Return a frame of a compressed message that inflates to so many bytes."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -12)
    payload = stream.compress(bytes(size)) + stream.flush(zlib.Z_SYNC_FLUSH)
    frame = bytearray(client_frame(BINARY, payload.removesuffix(b"\x00\x00\xff\xff") if final else payload))
    frame[0] = (0xC0 if final else 0x40) | BINARY
    return bytes(frame)


def fragment(opcode: int, payload: bytes) -> bytes:
    frame = bytearray(client_frame(opcode, payload))
    frame[0] &= 0x7F
    return bytes(frame)


def post(path: bytes, sent: int, length: int = 0) -> bytes:
    length = length or sent
    return b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (path, length) + bytes(sent)


# The data that a peer sends, whether it reads, and the least that the process then holds for it.
KINDS: dict[str, tuple[list[bytes], bool, int]] = {
    "messages in the inbox": ([OPENING % b"/deaf", client_frame(TEXT, b"x" * 60_000) * 8], True, 480_000),
    "text that is wide in memory": (
        [OPENING % b"/deaf", client_frame(TEXT, ("\U0001f600" + "x" * 60_000).encode())],
        True,
        240_000,
    ),
    "inflated messages": ([OPENING % b"/deaf", deflated(MIB, final=True)], True, MIB),
    "a half-inflated message": ([OPENING % b"/deaf", deflated(MIB - 1, final=False)], True, MIB - 1),
    "a part of a frame": ([OPENING % b"/deaf", client_frame(BINARY, bytes(900_000))[:-1]], True, 900_000),
    "fragments": ([OPENING % b"/deaf", fragment(BINARY, bytes(900_000))], True, 900_000),
    "tiny fragments": ([OPENING % b"/deaf", fragment(TEXT, b"xy") + fragment(0, b"xy") * 1000], True, 35_000),
    "frames before the handshake is answered": (
        [OPENING % b"/mute" + client_frame(BINARY, bytes(60_000))],
        True,
        60_000,
    ),
    "a message that the peer does not take": ([OPENING % b"/talk"], False, 2 * MIB),
    "publications that the peer does not take": ([OPENING % b"/listen"], False, 20 * 64 * KIB - 200_000),
    "a body that is read": ([post(b"/body", 900_000, MIB)], True, 900_000),
    "a body that nobody reads": ([post(b"/ignore", 64 * KIB, MIB)], True, 64 * KIB),
    "a whole body of a handler at work": ([post(b"/ignore", 64 * KIB)], True, 64 * KIB),
    "a response that the peer does not take": ([b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"], False, MIB - 100),
    "requests that wait for their turn": (
        [post(b"/ignore", 1, 1) + (b"GET /large HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n" % (b"x" * 4000)) * 100],
        True,
        400_000,
    ),
    "a part of a head": ([b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000], True, 9000),
}


async def peer(server: MemoryServer, kind: str) -> MemoryConnection:
    """Act as a peer of a kind: send everything, as far as the server reads."""
    pieces, reads, _ = KINDS[kind]
    connection = server.connect(faults=None if reads else Faults(window=1))
    for piece in pieces:
        connection.write(piece)
        await settled()
    return connection


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[MemoryServer]:
    async with MemoryServer(app, drain_timeout=0) as server:
        yield server


async def held(app: App) -> int:
    await settled()
    assert app.held_memory is not None
    return app.held_memory


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_counts_and_is_freed_with_its_peer(kind: str) -> None:
    app = make_app()
    app.config.http.disconnect_grace = app.config.websocket.disconnect_grace = 1.0
    least = KINDS[kind][2]
    async with serving(app) as server:
        connection = await peer(server, kind)
        assert least <= await held(app) <= 2 * least + 200_000
        connection.reset()
        await settled()
        # Handlers that take messages get their grace again; the others are cancelled.
        for seconds in (30, 60, 90):
            await server.sweep(seconds)
        assert await held(app) == 0
        assert server.connections == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_many_peers_of_a_kind_stay_below_the_limit(kind: str) -> None:
    app = make_app(4 * MIB)
    async with serving(app) as server:
        most = 0
        for number in range(150):
            await peer(server, kind)
            most = max(most, await held(app))
            if number % 50 == 49:
                await server.sweep(0)
        assert most < 4 * MIB


async def test_other_peers_are_served_when_hostile_ones_have_left() -> None:
    app = make_app(4 * MIB)
    request_for_page = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with serving(app) as server:
        neighbour = server.connect()
        neighbour.write(OPENING % b"/echo")
        await settled()
        hostile = [await peer(server, "a part of a frame") for _ in range(4)]
        refused = server.connect()
        refused.write(request_for_page)
        await settled()
        assert (await refused.read()).startswith(b"HTTP/1.1 503 ")
        await neighbour.read()
        neighbour.write(client_frame(TEXT, b"still here"))
        await settled()
        assert await neighbour.read() == b"\x81\x0astill here"
        for connection in hostile:
            connection.reset()
        await settled()
        await server.sweep(30)
        await server.sweep(30)
        served = server.connect()
        served.write(request_for_page)
        await settled()
        assert (await served.read(200)).startswith(b"HTTP/1.1 200 ")


async def test_a_paused_connection_continues_where_it_was() -> None:
    app = make_app(4 * MIB)
    async with serving(app) as server:
        message = bytes(MIB)
        frame = client_frame(BINARY, message)
        sender, last = server.connect(), server.connect()
        for connection in (sender, last):
            connection.write(OPENING % b"/echo")
            await settled()
            await connection.read()
        sender.write(frame[:920_000])
        hostile = [await peer(server, "a part of a frame") for _ in range(2)]
        assert sender.transport.is_reading()
        last.write(frame[:250_000])
        await settled()
        assert not sender.transport.is_reading()
        assert last.transport.is_reading()
        sender.write(frame[920_000:])
        for connection in hostile:
            connection.reset()
        await settled()
        # Their handlers have their grace, but the rest of a frame will never arrive.
        await server.sweep(0)
        received = b""
        while len(received) < 10 + len(message):
            received += await sender.read()
        assert received[-len(message) :] == message


async def test_ten_thousand_hostile_connections_stay_below_the_limit() -> None:
    limit = 32 * MIB
    app = make_app(limit, 10_000)
    kinds = list(KINDS)
    most = 0
    async with serving(app) as server:
        for number in range(10_000):
            pieces, reads, _ = KINDS[kinds[number % len(kinds)]]
            connection = server.connect(faults=None if reads else Faults(window=1))
            connection.write(b"".join(pieces))
            if number % 100 == 99:
                most = max(most, await held(app))
            if number % 2000 == 1999:
                await server.sweep(number / 1000)
        most = max(most, await held(app))
        assert limit // 2 < most < limit
