"""Many connections send to one, each its next message when the last one has come out at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from benchmarks.frames import echo_batch
from benchmarks.loads.load import DRAIN_TIMEOUT, Load, Watch, opened
from benchmarks.plan import LoadPlan

READER_PATH = "/reader"


class Producer(asyncio.Protocol):
    """A connection that only sends.

    Arguments:
        request: what it writes.
        transport: where it writes it.
        failed: called with a sentence when something comes.
    """

    __slots__ = ("failed", "open", "request", "transport", "under_way")

    def __init__(self, request: bytes, transport: asyncio.Transport, failed: Callable[[str], None]) -> None:
        self.request = request
        self.transport = transport
        self.failed = failed
        self.open = True
        self.under_way = False
        transport.set_protocol(self)

    def send(self) -> None:
        """Send the message once more."""
        self.under_way = True
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.failed(f"a producer got {data[:40]!r}")

    def connection_lost(self, error: Exception | None) -> None:
        if self.open:
            self.failed(f"the server closed a producer's connection: {error or 'end of stream'}")


class Reader(asyncio.Protocol):
    """The connection that all messages come out of.

    Arguments:
        producers: who sent a message, by its bytes; all are of the same length.
        failed: called with a sentence when something else comes.
    """

    def __init__(self, producers: dict[bytes, Producer], failed: Callable[[str], None]) -> None:
        self.producers = producers
        self.failed = failed
        self.open = True
        self.running = True
        self.size = len(next(iter(producers)))
        self.rest = b""
        self.messages = 0

    def data_received(self, data: bytes) -> None:
        size, producers = self.size, self.producers
        if self.rest:
            data = self.rest + data
        whole = len(data) - len(data) % size
        for start in range(0, whole, size):
            producer = producers.get(data[start : start + size])
            if producer is None or not producer.under_way:
                self.failed(f"nobody sent {data[start : start + size]!r}" + (" twice" if producer else ""))
                return
            self.messages += 1
            producer.under_way = False
            if self.running:
                producer.send()
        self.rest = data[whole:]

    def connection_lost(self, error: Exception | None) -> None:
        if self.open:
            self.failed(f"the server closed the reader's connection: {error or 'end of stream'}")


class FunnelLoad(Load):
    """The plan's connections are the producers; the reader is one more."""

    def __init__(self, plan: LoadPlan, watch: Watch) -> None:
        super().__init__(plan, watch)
        self.producers: list[Producer] = []
        self.reader: Reader | None = None

    async def open(self) -> None:
        # First of all: a raw server takes the first connection for the reader.
        reading = (await self.open_websocket(READER_PATH)).transport
        transports = await opened(self.plan.connections, self._open)
        by_reply: dict[bytes, Producer] = {}
        # Numbers of the same length make messages of the same length.
        for number, transport in enumerate(transports, start=1000):
            batch = echo_batch(number, 1, self.plan.size, websocket=not self.plan.raw)
            producer = Producer(batch.request, transport, self.watch.failed)
            self.producers.append(producer)
            by_reply[batch.reply] = producer
        self.reader = Reader(by_reply, self.watch.failed)
        reading.set_protocol(self.reader)

    async def _open(self, number: int) -> asyncio.Transport:
        return (await self.open_websocket(self.plan.path)).transport

    def start(self) -> None:
        for producer in self.producers:
            producer.send()

    async def finish(self) -> None:
        if self.reader is not None:
            self.reader.running = False
        complaint = f"messages did not come to the reader within {DRAIN_TIMEOUT:.0f} s"
        await self.watch.run_until(
            lambda: not any(producer.under_way for producer in self.producers), DRAIN_TIMEOUT, complaint
        )

    def close(self) -> None:
        for producer in self.producers:
            producer.open = False
        if self.reader is not None:
            self.reader.open = False
        super().close()

    @property
    def count(self) -> int:
        return 0 if self.reader is None else self.reader.messages

    @property
    def checked_bytes(self) -> int:
        return 0 if self.reader is None else self.reader.messages * self.reader.size
