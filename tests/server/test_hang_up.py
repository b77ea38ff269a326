"""Whether the peer has hung up."""

from __future__ import annotations

import asyncio
import select
import socket

import pytest

from emmett.server.hang_up import has_hung_up

pytestmark = [
    pytest.mark.loops("asyncio", "uvloop"),
    pytest.mark.skipif(not hasattr(select, "POLLRDHUP"), reason="Linux alone can tell"),
]


@pytest.mark.parametrize("unread", [b"", b"x" * 10_000])
@pytest.mark.parametrize("how", ["close", "half-close"])
async def test_a_peer_that_leaves_while_nobody_reads(how: str, unread: bytes) -> None:
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
