"""Opens connections: TCP, TLS, the websocket handshake."""

from __future__ import annotations

import asyncio
import base64
import os
from dataclasses import dataclass

from benchmarks.handshake import END_OF_HEAD, check_answer, upgrade_request
from benchmarks.loads.tls import connect_tls
from benchmarks.plan import LoadFailed, LoadPlan


class Head(asyncio.Protocol):
    """Collects the answer to the upgrade request."""

    def __init__(self) -> None:
        self.data = b""
        self.whole: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.data += data
        if END_OF_HEAD in self.data and not self.whole.done():
            self.whole.set_result(self.data)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.whole.done():
            self.whole.set_exception(LoadFailed(f"the server closed during the handshake: {error or self.data!r}"))


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
    head: Head | None = None

    @property
    def early(self) -> bytes:
        """What the server has sent after its answer so far."""
        return b"" if self.head is None else self.head.data.partition(END_OF_HEAD)[2]


async def connect(plan: LoadPlan, protocol: asyncio.BaseProtocol) -> asyncio.Transport:
    """Open a TCP or TLS connection."""
    loop = asyncio.get_running_loop()
    if plan.secure:
        return await connect_tls(plan.host, plan.port, protocol)
    transport, _ = await loop.create_connection(lambda: protocol, plan.host, plan.port)
    return transport


async def shake_hands(plan: LoadPlan, transport: asyncio.Transport, head: Head, path: str, offer: str | None) -> str:
    """Open a websocket on a connection.

    Arguments:
        head: the connection's protocol.
        path: path of the websocket.
        offer: the extensions to offer.

    Returns:
        The extensions that the server took into use.

    Raises:
        HandshakeRefused: the server did not open it.
        LoadFailed: the server closed the connection.
    """
    key = base64.b64encode(os.urandom(16))
    if transport.is_closing():
        raise LoadFailed("the server closed a connection before the handshake")
    transport.write(upgrade_request(plan.host, plan.port, path, key, offer))
    answer = await head.whole
    if plan.dialect:
        # Some servers of calls greet first: the load reads it.
        answer = answer[: answer.index(END_OF_HEAD) + len(END_OF_HEAD)]
    return check_answer(answer, key, offered=offer is not None)
