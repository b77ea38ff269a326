"""Detecting that the peer has hung up."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from typing import cast

import pytest

from emmett.server.hang_up import has_hung_up, limit_unacknowledged

pytestmark = [
    pytest.mark.loops("asyncio", "uvloop"),
    pytest.mark.skipif(not hasattr(select, "POLLRDHUP"), reason="Linux alone can tell"),
]


@pytest.mark.parametrize("unread", [b"", b"x" * 10_000])
@pytest.mark.parametrize("how", ["close", "half-close"])
async def test_a_departure_is_noticed_while_reading_is_paused(how: str, unread: bytes) -> None:
    near, far = socket.socketpair()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=near)
    transport.pause_reading()
    try:
        far.sendall(unread or b"x")
        assert not has_hung_up(transport)
        if how == "close":
            far.close()
        else:
            far.shutdown(socket.SHUT_WR)
        assert has_hung_up(transport)
    finally:
        far.close()
        transport.abort()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such option")
async def test_the_time_for_unacknowledged_bytes_is_limited() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    limit_unacknowledged(transport, 2.5)
    connection = transport.get_extra_info("socket")
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2500
    transport.abort()
    server.close()


async def test_without_a_tcp_socket_there_is_no_such_limit() -> None:
    near, far = socket.socketpair()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=near)
    limit_unacknowledged(transport, 2.5)
    assert not has_hung_up(transport)
    limit_unacknowledged(asyncio.Transport(), 2.5)
    transport.abort()
    far.close()


async def test_a_reset_is_noticed() -> None:
    loop = asyncio.get_running_loop()
    made: asyncio.Future[asyncio.Transport] = loop.create_future()

    class Peer(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            opened = cast(asyncio.Transport, transport)
            opened.pause_reading()
            made.set_result(opened)

    server = await loop.create_server(Peer, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        transport = await made
        assert not has_hung_up(transport)
        # This option makes closing reset the connection.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert has_hung_up(transport)
    transport.abort()
    server.close()
