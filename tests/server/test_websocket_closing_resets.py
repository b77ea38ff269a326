from __future__ import annotations

import errno

import pytest

from emmett import websocket
from emmett.server.websocket_phases import WebsocketPhase
from tests.server.protocol_peer import ProtocolPeer, settled
from tests.wire.frame_maker import TEXT, client_frame


async def test_a_reset_before_the_last_write_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket reports a reset before the event loop does; the connection must still end."""

    async def listen() -> None:
        async for _ in websocket:
            pass

    def not_connected() -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    peer = ProtocolPeer(listen)
    await settled()
    monkeypatch.setattr(peer.transport, "can_write_eof", lambda: True)
    monkeypatch.setattr(peer.transport, "write_eof", not_connected)
    await peer.send(client_frame(TEXT, rsv=7))
    phases = [peer.protocol.phase]
    await peer.lose()
    phases.append(peer.protocol.phase)
    assert phases == [WebsocketPhase.LINGERING, WebsocketPhase.OVER]
