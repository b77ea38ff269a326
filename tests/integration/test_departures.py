"""Peers that leave: by FIN, reset, Close frame or silence, whatever the connection is doing; nothing is left of any."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from pathlib import Path
from typing import Any

import pytest
import trustme

from emmett import App, WebsocketClosed, websocket
from emmett.server.websocket_reading import READ_AHEAD
from tests.integration.raw_client import RawClient, connect, upgrade_request
from tests.integration.servers import gone, run_emmett
from tests.wire.frame_maker import BINARY, CLOSE, PING, TEXT, client_frame, close_payload

pytestmark = pytest.mark.loops("asyncio", "uvloop")

DEADLINES: dict[str, Any] = {
    "accept_timeout": 0.3,
    "close_timeout": 0.3,
    "disconnect_grace": 0.3,
    "ping_interval": 0.1,
    "ping_timeout": 0.1,
    "send_timeout": 0.3,
}
# One more than fits the inbox.
MESSAGES = client_frame(TEXT, b"x") * 17
FLOOD = client_frame(BINARY, b"x" * 1000) * 1000


def app_with_all_phases(ended: list[int | None]) -> App:
    app = App(__name__)

    @app.websocket("/waiting", **DEADLINES)
    async def waiting() -> None:
        async for _ in websocket:
            pass
        ended.append(websocket.close_code)

    @app.websocket("/unread", **DEADLINES)
    async def unread() -> None:
        await websocket.accept()
        await websocket.wait_closed()
        ended.append(websocket.close_code)

    @app.websocket("/handshake", **DEADLINES)
    async def handshake() -> None:
        with contextlib.suppress(asyncio.CancelledError, WebsocketClosed):
            await asyncio.Event().wait()
        ended.append(None)

    @app.websocket("/closing", **DEADLINES)
    async def closing() -> None:
        await websocket.close(4000)
        ended.append(None)

    @app.websocket("/stalled", **DEADLINES)
    async def stalled() -> None:
        with contextlib.suppress(WebsocketClosed):
            while True:
                await websocket.send(b"x" * 60_000)
        ended.append(websocket.close_code)

    return app


PHASES: dict[str, tuple[str, bytes]] = {
    "waiting": ("/waiting", b""),
    "unread": ("/unread", MESSAGES),
    "flooded": ("/unread", FLOOD),
    "handshake": ("/handshake", MESSAGES),
    "closing": ("/closing", b""),
    "stalled": ("/stalled", MESSAGES),
}


async def leave(client: RawClient, how: str) -> None:
    transport = client.writer.transport
    if how == "FIN":
        if client.writer.get_extra_info("sslcontext") is None:
            client.writer.close()
        else:
            # Closing would first wait until the server has read everything and has closed too.
            transport.abort()
    elif how == "RST":
        connection = client.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    elif how == "Close":
        client.write(client_frame(CLOSE, close_payload(4001)))


async def check(phase: str, how: str, tls: ssl.SSLContext | None = None, **options: str) -> None:
    path, messages = PHASES[phase]
    ended: list[int | None] = []
    async with run_emmett(app_with_all_phases(ended), **options) as running, connect(running.port, tls=tls) as client:
        client.write(upgrade_request(path) + messages)
        if phase != "handshake":
            await client.read_head()
        if phase == "stalled":
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await leave(client, how)
        await gone(running)
    assert len(ended) == 1
    if phase in ("waiting", "unread") and how == "Close":
        assert ended == [4001]
    elif phase in ("waiting", "unread", "flooded"):
        assert ended == [1006]


def cases() -> list[tuple[str, str]]:
    # A peer whose system acknowledges packets, and whose data waits unread, is still there and is kept.
    kept = {("flooded", "Close"), ("flooded", "silence")}
    return [(phase, how) for phase in PHASES for how in ("FIN", "RST", "Close", "silence") if (phase, how) not in kept]


@pytest.mark.parametrize(("phase", "how"), cases())
async def test_nothing_is_left_of_a_peer_that_leaves(phase: str, how: str) -> None:
    """Reliability, line 79."""
    await check(phase, how)


@pytest.mark.parametrize(("phase", "how"), cases())
async def test_nothing_is_left_of_a_peer_that_leaves_over_tls(phase: str, how: str, tmp_path: Path) -> None:
    """Reliability, line 79."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    await check(phase, how, context, ssl_certfile=str(certificate), ssl_keyfile=str(key))


async def test_a_close_frame_is_answered_while_the_handler_does_not_read() -> None:
    """Reliability, line 79: otherwise the client would report 1006."""
    async with run_emmett(app_with_all_phases([])) as running, connect(running.port) as client:
        await client.upgrade("/unread", behind=MESSAGES + client_frame(CLOSE, close_payload(4001)))
        assert await client.read_close() == (4001, "")
        assert await client.read_end() == b""
        await gone(running)


async def test_messages_before_a_departure_are_not_lost() -> None:
    """Reliability, line 79: more data than is read ahead, from a peer that has left when the handler begins to read."""
    app = App(__name__)
    total = 0
    code: list[int | None] = []

    @app.websocket("/", disconnect_grace=30, ping_interval=0.1, ping_timeout=0.1)
    async def late() -> None:
        nonlocal total
        await websocket.accept()
        await websocket.wait_closed()
        code.append(websocket.close_code)
        async for _ in websocket:
            total += 1

    count = 3 * READ_AHEAD // 1000
    async with run_emmett(app) as running:
        async with connect(running.port) as client:
            await client.upgrade("/")
            client.write(client_frame(BINARY, b"x" * 1000) * count)
            await client.writer.drain()
        await gone(running)
    assert code == [1006]
    assert total == count


async def test_a_silent_peer_is_kept_without_a_ping_timeout() -> None:
    """With `ping_timeout=None`, acknowledgements of the peer's operating system are enough."""
    app = App(__name__)

    @app.websocket("/", ping_interval=0.05, ping_timeout=None)
    async def idle() -> None:
        async for message in websocket:
            await websocket.send(message)

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        for _ in range(5):
            assert await client.read_frame() == (PING, b"")
        client.write(client_frame(TEXT, b"still here"))
        while (frame := await client.read_frame()) == (PING, b""):
            pass
        assert frame == (TEXT, b"still here")
        assert running.server is not None
        (protocol,) = running.server.server_state.connections
        connection = protocol._transport.get_extra_info("socket")
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 50
