"""Opens connections: TCP, TLS, the websocket handshake."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.handshake import END_OF_HEAD, check_answer, upgrade_request
from benchmarks.loads.tls import connect_tls
from benchmarks.plan import LoadFailed


class Collector(asyncio.Protocol):
    """Collects what comes until it is whole; what comes later, such as a Ping, is no matter.

    Arguments:
        is_whole: called with all that came; what it raises, `LoadFailed` or `ValueError`, ends the wait.
        when: when that is, for the message if the server closes.
    """

    def __init__(self, is_whole: Callable[[bytes], bool], when: str) -> None:
        self.data = b""
        self.whole: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._is_whole = is_whole
        self._when = when

    def data_received(self, data: bytes) -> None:
        self.data += data
        if not self.whole.done():
            try:
                if self._is_whole(self.data):
                    self.whole.set_result(self.data)
            except (LoadFailed, ValueError) as error:
                self.whole.set_exception(LoadFailed(str(error)))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.whole.done():
            self.whole.set_exception(LoadFailed(f"the server closed {self._when}: {error or self.data!r}"))


@dataclass(frozen=True, slots=True)
class Opened:
    """An open connection.

    Attributes:
        transport: what to write to.
        extensions: the websocket extensions that the server took into use.
        head: the protocol that has read the answer.
    """

    transport: asyncio.Transport
    extensions: str = ""
    head: Collector | None = None

    @property
    def early(self) -> bytes:
        """What the server has sent after its answer so far."""
        return b"" if self.head is None else self.head.data.partition(END_OF_HEAD)[2]


async def connect(
    host: str, port: int, protocol: asyncio.BaseProtocol, *, secure: bool = False, sock: socket.socket | None = None
) -> asyncio.Transport:
    """Open a TCP or TLS connection, or take one over that is open."""
    loop = asyncio.get_running_loop()
    if secure:
        return await connect_tls(host, port, protocol)
    if sock is not None:
        return (await loop.create_connection(lambda: protocol, sock=sock))[0]
    return (await loop.create_connection(lambda: protocol, host, port))[0]


def head_collector() -> Collector:
    """Return the protocol of a connection whose handshake follows."""
    return Collector(lambda data: END_OF_HEAD in data, "during the handshake")


async def shake_hands(
    transport: asyncio.Transport, head: Collector, upgrade: tuple[str, int, str], offer: str | None, *, greets: bool
) -> str:
    """Open a websocket on a connection, and return the extensions that the server took into use.

    Arguments:
        head: the connection's protocol.
        upgrade: host, port and path of the websocket.
        offer: the extensions to offer.
        greets: whether the server may send messages at once.

    Raises:
        HandshakeRefused: the server did not open it.
        LoadFailed: the server closed the connection.
    """
    key = base64.b64encode(os.urandom(16))
    if transport.is_closing():
        raise LoadFailed("the server closed a connection before the handshake")
    transport.write(upgrade_request(*upgrade, key, offer))
    answer = await head.whole
    if greets:
        answer = answer[: answer.index(END_OF_HEAD) + len(END_OF_HEAD)]
    return check_answer(answer, key, offered=offer is not None)
