"""Handshakes without an answer when the server stops: they get a moment for it, and then 503."""

from __future__ import annotations

import asyncio

import pytest

from emmett import websocket
from emmett.server import websocket_protocol
from tests.server.protocol_peer import ProtocolPeer, settled


async def test_a_handshake_without_an_answer_is_refused_when_the_server_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_protocol, "HANDSHAKE_GRACE", 0.0)
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("slow")

    peer = ProtocolPeer(slow)
    await settled()
    for _ in range(2):
        peer.protocol.shutdown()
    await settled()
    assert peer.transport.written.startswith(b"HTTP/1.1 503 ")
    assert ended == ["slow"]
    await peer.end()


async def test_a_websocket_accepted_while_the_server_stops_is_closed_with_1012(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket_protocol, "HANDSHAKE_GRACE", 1000.0)
    answer, closed = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        await answer.wait()
        await websocket.accept()
        await websocket.wait_closed()
        closed.set()

    peer = ProtocolPeer(slow)
    await settled()
    peer.protocol.shutdown()
    assert peer.transport.written == b""
    answer.set()
    await settled()
    assert peer.transport.written.startswith(b"HTTP/1.1 101 ")
    # When the time has passed.
    peer.protocol.drain()
    await closed.wait()
    assert (1012).to_bytes(2, "big") in peer.transport.written
    await peer.end()
