"""What every load is: connections that are opened, kept busy, counted, brought to an end, and watched all the time."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from benchmarks.loads.connecting import Opened, connect, head_collector, shake_hands
from benchmarks.plan import LoadFailed, LoadPlan

# How many handshakes are under way at once: below the backlog of every server.
OPENED_AT_ONCE = 64
CONNECT_TIMEOUT = 20.0
DRAIN_TIMEOUT = 10.0

T = TypeVar("T")


class Watch:
    """Holds the first failure and raises it to all that wait."""

    def __init__(self) -> None:
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def failed(self, reason: str) -> None:
        """Note a failure, unless there is one already."""
        if not self.failure.done():
            self.failure.set_exception(LoadFailed(reason))

    def close(self) -> None:
        """Take no more notice of anything."""
        if not self.failure.cancel() and not self.failure.cancelled():
            self.failure.exception()  # so that asyncio does not complain that nobody took it

    async def run_for(self, seconds: float) -> None:
        """Let the load run for so many seconds; raise `LoadFailed` if something goes wrong meanwhile."""
        done, _ = await asyncio.wait([self.failure], timeout=seconds)
        for future in done:
            future.result()

    async def run_until(self, ready: Callable[[], bool], seconds: float, complaint: str) -> None:
        """Let the load run until something holds; raise `LoadFailed` if it does not after so many seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not ready():
            if loop.time() > deadline:
                raise LoadFailed(complaint)
            await self.run_for(0.01)


class Connection(asyncio.Protocol):
    """One of a load's connections: it sends, checks what comes back, and sends again.

    Arguments:
        request: what it sends.
        failed: called with a sentence when something else comes, or nothing.

    Attributes:
        transport: where it sends it; None before it is open and once it is closed.
        running: whether to send again when all has come back.
        sent, answered: how often it was sent and how often all has come back.
        bytes: how many came back.
    """

    title = "a connection"

    def __init__(self, request: bytes, failed: Callable[[str], None]) -> None:
        self.request = request
        self.failed = failed
        self.transport: asyncio.Transport | None = None
        self.running = False
        self.sent = 0
        self.answered = 0
        self.bytes = 0

    def attach(self, transport: asyncio.Transport) -> None:
        """Take over an open connection."""
        self.transport = transport
        transport.set_protocol(self)

    def send(self) -> None:
        """Send the request once more."""
        if self.transport is not None:
            self.sent += 1
            self.transport.write(self.request)

    def close(self) -> None:
        """Drop the connection."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self.transport = None
            self.failed(f"the server closed {self.title} after {self.count} replies: {error or 'end of stream'}")

    @property
    def finished(self) -> bool:
        """Whether all that was sent has come back."""
        return self.sent == self.answered

    @property
    def count(self) -> int:
        """What was done so far: messages, deliveries, connections or responses."""
        return self.answered

    @property
    def checked_bytes(self) -> int:
        """How many bytes came back, all of them checked."""
        return self.bytes


class Load(ABC):
    """A load.

    Attributes:
        plan: what to do.
        watch: collects failures.
        connections: those that send, once `open` has opened them.
        memory: bytes by which the server has grown; None where that is not measured.
    """

    connect_timeout = CONNECT_TIMEOUT
    unfinished = "messages were still unanswered"

    def __init__(self, plan: LoadPlan, watch: Watch) -> None:
        self.plan = plan
        self.watch = watch
        self.connections: Sequence[Connection] = []
        self.memory: int | None = None
        self._transports: list[asyncio.Transport] = []

    async def open_connection(self, protocol: asyncio.BaseProtocol) -> asyncio.Transport:
        """Open a TCP or TLS connection, which `close` drops."""
        transport = await connect(self.plan.host, self.plan.port, protocol, secure=self.plan.secure)
        self._transports.append(transport)
        return transport

    async def open_websocket(self, path: str, offer: str | None = None) -> Opened:
        """Open a websocket, or with a raw server just a connection; `close` drops it.

        Arguments:
            offer: the extensions to offer.

        Raises:
            HandshakeRefused: the server did not open it.
            LoadFailed: the server closed the connection.
        """
        if self.plan.raw:
            return Opened(await self.open_connection(asyncio.Protocol()))
        head = head_collector()
        transport = await self.open_connection(head)
        upgrade = (self.plan.host, self.plan.port, path)
        # Some servers of calls greet first: the load reads it.
        extensions = await shake_hands(transport, head, upgrade, offer, greets=bool(self.plan.dialect))
        return Opened(transport, extensions, head)

    async def open_all(self, path: str) -> list[asyncio.Transport]:
        """Open as many websockets as the plan has connections."""
        found = await opened(self.plan.connections, lambda number: self.open_websocket(path))
        return [each.transport for each in found]

    def check_open(self) -> None:
        """Raise `LoadFailed` if a connection is no longer there."""
        if any(transport.is_closing() for transport in self._transports):
            raise LoadFailed("the server closed a connection before the load began")

    @abstractmethod
    async def open(self) -> None:
        """Open the connections, and find out all that must be known before the load begins.

        Raises:
            LoadFailed, HandshakeRefused: the server does not do what it should.
        """

    def start(self) -> None:
        """Begin."""
        for connection in self.connections:
            connection.running = True
            connection.send()

    async def finish(self) -> None:
        """Send nothing more, and wait until all that was sent is answered; raise `LoadFailed` if it is not."""
        for connection in self.connections:
            connection.running = False
        complaint = f"{self.unfinished} {DRAIN_TIMEOUT:.0f} s after the last one was sent"
        await self.watch.run_until(lambda: self.finished, DRAIN_TIMEOUT, complaint)

    def close(self) -> None:
        """Drop all connections."""
        for connection in self.connections:
            connection.close()
        for transport in self._transports:
            transport.abort()

    @property
    def finished(self) -> bool:
        """Whether all that was sent has come back."""
        return all(connection.finished for connection in self.connections)

    @property
    def count(self) -> int:
        """What was done so far: messages, deliveries, connections or responses."""
        return sum(connection.count for connection in self.connections)

    @property
    def checked_bytes(self) -> int:
        """How many bytes came back, all of them checked."""
        return sum(connection.checked_bytes for connection in self.connections)


async def opened(number: int, step: Callable[[int], Awaitable[T]]) -> list[T]:
    """Open so many connections, a bounded number of them at once; `step` opens the one of a number."""
    results: list[T] = []
    for first in range(0, number, OPENED_AT_ONCE):
        group = range(first, min(first + OPENED_AT_ONCE, number))
        results += await asyncio.gather(*(step(index) for index in group))
    return results
