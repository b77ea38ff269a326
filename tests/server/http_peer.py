"""A client of the HTTP protocol in memory: bytes in, bytes out, and a clock that the test controls."""

from __future__ import annotations

import asyncio

from emmett import App
from emmett.server import make_config
from emmett.server.http_protocol import HTTPProtocol
from emmett.server.process_state import process_state
from emmett.server.server_state import ServerState
from tests.websockets.memory_transport import MemoryTransport


class PatchableProtocol(HTTPProtocol):
    """The protocol with a `__dict__`, so that a test can replace one of its methods."""


class Peer(MemoryTransport):
    """A connection to the server, in memory.

    Attributes:
        unsent: bytes that the peer has not read yet.
    """

    def __init__(self, app: App, state: ServerState | None = None) -> None:
        super().__init__()
        self.unsent = 0
        config = make_config(app, configure_logging=False)
        config.load()
        # State that the connections of a process share.
        self.state = state or ServerState()
        self.protocol: asyncio.Protocol = PatchableProtocol(config, self.state, {}, asyncio.get_running_loop())
        self.sweep = process_state(config, self.state, asyncio.get_running_loop()).sweep
        self.protocol.connection_made(self)

    @property
    def http(self) -> HTTPProtocol:
        assert isinstance(self.protocol, HTTPProtocol)
        return self.protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol

    def is_reading(self) -> bool:
        return self.reading

    def is_aborted(self) -> bool:
        """Tell whether the server has dropped the connection."""
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return self.unsent

    async def send(self, data: bytes) -> None:
        """Send bytes as long as the server reads."""
        assert self.is_reading()
        self.protocol.data_received(data)
        await settled()

    async def leave(self) -> None:
        """End the connection, and check that nothing of it is left."""
        self.protocol.connection_lost(None)
        await settled()
        assert not self.state.connections
        assert not self.state.requests


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def later(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds
