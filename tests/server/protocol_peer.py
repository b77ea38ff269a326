"""A client of the websocket protocol in memory: bytes in, frames out, and a clock that the test controls."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from emmett import App, Websocket
from emmett.datastructures import Headers
from emmett.observers import Observers
from emmett.server.memory_budget import MemoryBudget
from emmett.server.websocket_process import ServedWebsocket
from emmett.server.websocket_protocol import WebsocketProtocol
from emmett.wire.handshake import Upgrade
from tests.websockets.memory_transport import MemoryTransport
from tests.wire.frame_maker import CLOSE, TEXT, client_frame, close_payload
from tests.wire.upgrade_maker import KEY

Frame = tuple[int, bytes]


class PeerTransport(MemoryTransport):
    """A transport that counts in `unsent` what the peer has not read; without `half_close` it behaves like TLS."""

    def __init__(self, *, half_close: bool = True) -> None:
        super().__init__()
        self.unsent = 0
        self.half_close = half_close
        # What the operating system reports about the peer while the connection is not read.
        self.hung_up = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.hung_up if name == "hung_up" else super().get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def can_write_eof(self) -> bool:
        return self.half_close

    # Methods, because type checkers would take attributes for constants.

    def is_reading(self) -> bool:
        return self.reading

    def is_aborted(self) -> bool:
        """Tell whether the server has dropped the connection."""
        return self.aborted


class Process:
    """Return the shared state of the connections of a process."""

    def __init__(self) -> None:
        self.context = contextvars.Context()
        self.memory = MemoryBudget(None, 1000, 10.0, lambda: 0.0)
        self.observers = Observers()
        self.ends = 0

    def stop_after(self) -> float:
        return 0.0

    def opened(self, websocket: ServedWebsocket) -> None:
        pass

    def slow(self, websocket: ServedWebsocket, reason: str, cause: str) -> None:
        pass

    def stalled(self, websocket: ServedWebsocket) -> None:
        pass

    def ended(self, websocket: ServedWebsocket) -> None:
        self.ends += 1


class ProtocolPeer:
    """One connection whose handshake has been read.

    Arguments:
        handler: the handler of the route.
        early: data that arrived in the same read as the handshake.
        subprotocols: the offer of the client.
        transport: the transport, if it is to be a special one.
        settings: the settings of the route.
    """

    def __init__(
        self,
        handler: Callable[[], Awaitable[Any]],
        *,
        early: bytes = b"",
        subprotocols: tuple[str, ...] = (),
        transport: PeerTransport | None = None,
        **settings: Any,
    ) -> None:
        self.transport = transport or PeerTransport()
        # The factory must not refer to this object, which would create a reference cycle.
        self.process = Process()
        app = App(__name__)
        app.websocket("/", **settings)(handler)
        match = app.table.websockets.match("/", scheme="ws", host="localhost")
        assert match.endpoint is not None
        upgrade = Upgrade(KEY, subprotocols, "", None, "localhost")
        loop = asyncio.get_running_loop()
        self.protocol = WebsocketProtocol(loop, self.transport, upgrade, match.endpoint.settings, self.process, b"/")
        websocket = Websocket(
            scheme="ws",
            path="/",
            query_string=b"",
            headers=Headers(),
            client=("192.0.2.1", 50000),
            subprotocols=subprotocols,
            connection=self.protocol,
            inbox=self.protocol.inbox,
        )
        self.protocol.start(match.endpoint, websocket, {}, early)
        self._taken = 0

    @property
    def ends(self) -> int:
        """The number of times the protocol reported its end."""
        return self.process.ends

    @property
    def websocket(self) -> Websocket:
        """The connection as the application sees it; only while there is one."""
        assert self.protocol.websocket is not None
        return self.protocol.websocket

    async def send(self, *data: bytes) -> None:
        """Send bytes in one read each, and let the loop handle them."""
        for read in data:
            assert self.transport.is_reading(), "the server does not read"
            self.protocol.data_received(read)
            await settled()

    async def say(self, *messages: str) -> None:
        """Send text messages in one read."""
        await self.send(b"".join(client_frame(TEXT, message.encode()) for message in messages))

    async def close(self, code: int = 1000) -> None:
        """Send a Close frame."""
        await self.send(client_frame(CLOSE, close_payload(code)))

    async def lose(self, error: Exception | None = None) -> None:
        """Break the connection."""
        self.transport.closing = True
        self.protocol.connection_lost(error)
        await settled()

    async def end(self) -> None:
        """Break the connection, and check that nothing of it is left."""
        await self.lose()
        assert self.protocol.task is None
        assert self.ends == 1

    async def sweep(self, seconds: float) -> None:
        """Let the server check its deadlines a number of seconds after the handshake."""
        self.protocol.sweep(self.protocol.began + seconds)
        await settled()

    async def sweep_from_now(self, seconds: float) -> None:
        """Let the server check its deadlines a number of seconds from now, so that those from before are due."""
        self.protocol.sweep(asyncio.get_running_loop().time() + seconds)
        await settled()

    @property
    def head(self) -> bytes:
        """The response to the handshake."""
        return self.transport.written.partition(b"\r\n\r\n")[0]

    def frames(self) -> list[Frame]:
        """Return the frames that were written since the last call."""
        data = self.transport.written
        if not self._taken:
            self._taken = len(self.head) + 4
        found = list(server_frames(data[self._taken :]))
        self._taken = len(data)
        return found

    def texts(self) -> list[str]:
        """Return the text messages that were written since the last call, if there was nothing else."""
        frames = self.frames()
        assert {opcode for opcode, _ in frames} <= {TEXT}, frames
        return [payload.decode() for _, payload in frames]


def server_frames(data: bytes) -> Iterable[Frame]:
    """Parse complete, unmasked, unfragmented frames."""
    while data:
        assert data[0] & 0xF0 == 0x80
        assert data[1] < 0x80, "a server masks nothing"
        start, length = 2, data[1]
        if length > 125:
            start = 4 if length == 126 else 10
            length = int.from_bytes(data[2:start], "big")
        assert len(data) >= start + length, "a frame was cut"
        yield data[0] & 0x0F, data[start : start + length]
        data = data[start + length :]


async def settled() -> None:
    """Let everything happen that needs neither a peer nor time."""
    for _ in range(30):
        await asyncio.sleep(0)
