"""What every load is: connections that are opened, kept busy, counted, brought to an end, and watched all the time."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar

from benchmarks.loads.connecting import Head, Opened, connect, shake_hands
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
        """Let the load run for so many seconds.

        Raises:
            LoadFailed: something goes wrong meanwhile.
        """
        done, _ = await asyncio.wait([self.failure], timeout=seconds)
        for future in done:
            future.result()

    async def run_until(self, ready: Callable[[], bool], seconds: float, complaint: str) -> None:
        """Let the load run until something holds.

        Raises:
            LoadFailed: it does not hold after so many seconds, or something goes wrong meanwhile.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not ready():
            if loop.time() > deadline:
                raise LoadFailed(complaint)
            await self.run_for(0.01)


class Load(ABC):
    """A load.

    Arguments:
        plan: what to do.
        watch: collects failures.
    """

    connect_timeout = CONNECT_TIMEOUT

    def __init__(self, plan: LoadPlan, watch: Watch) -> None:
        self.plan = plan
        self.watch = watch
        self._transports: list[asyncio.Transport] = []

    async def open_connection(self, protocol: asyncio.BaseProtocol) -> asyncio.Transport:
        """Open a TCP or TLS connection, which `close` drops."""
        transport = await connect(self.plan, protocol)
        self._transports.append(transport)
        return transport

    async def open_websocket(self, path: str, offer: str | None = None) -> Opened:
        """Open a websocket, or with a raw server just a connection; `close` drops it.

        Arguments:
            path: its path.
            offer: the extensions to offer.

        Raises:
            HandshakeRefused: the server did not open it.
            LoadFailed: the server closed the connection.
        """
        if self.plan.raw:
            return Opened(await self.open_connection(asyncio.Protocol()))
        head = Head()
        transport = await self.open_connection(head)
        return Opened(transport, await shake_hands(self.plan, transport, head, path, offer), head)

    def check_open(self) -> None:
        """Look whether the connections are still there.

        Raises:
            LoadFailed: one is not.
        """
        if any(transport.is_closing() for transport in self._transports):
            raise LoadFailed("the server closed a connection before the load began")

    @abstractmethod
    async def open(self) -> None:
        """Open the connections, and find out all that must be known before the load begins.

        Raises:
            LoadFailed: the server does not do what it should.
            HandshakeRefused: the server did not open a websocket.
        """

    @abstractmethod
    def start(self) -> None:
        """Begin."""

    @abstractmethod
    async def finish(self) -> None:
        """Send nothing more, and wait until all that was sent is answered.

        Raises:
            LoadFailed: an answer does not come.
        """

    def close(self) -> None:
        """Drop all connections."""
        for transport in self._transports:
            transport.abort()

    @property
    @abstractmethod
    def count(self) -> int:
        """What was done so far: messages, deliveries, connections or responses."""

    @property
    @abstractmethod
    def checked_bytes(self) -> int:
        """How many bytes came back, all of them checked."""

    @property
    def memory(self) -> int | None:
        """Bytes by which the server has grown; None where that is not measured."""
        return None


async def opened(number: int, step: Callable[[int], Awaitable[T]]) -> list[T]:
    """Open connections, a bounded number of them at once.

    Arguments:
        number: how many.
        step: opens the connection of a number.

    Returns:
        What `step` returned for each of them, in order.
    """
    results: list[T] = []
    for first in range(0, number, OPENED_AT_ONCE):
        group = range(first, min(first + OPENED_AT_ONCE, number))
        results += await asyncio.gather(*(step(index) for index in group))
    return results
