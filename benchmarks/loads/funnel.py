"""Many connections send to one, each its next message when the last one has come out at the other end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.frames import echo_batch
from benchmarks.loads.load import Connection, Load

READER_PATH = "/reader"


class Producer(Connection):
    """A connection that only sends."""

    title = "a producer's connection"

    def data_received(self, data: bytes) -> None:
        self.failed(f"a producer got {data[:40]!r}")


class Reader(Connection):
    """The connection that all messages come out of: `producers` has who sent them, by their bytes, of one length."""

    title = "the reader's connection"

    def __init__(self, producers: Mapping[bytes, Connection], failed: Callable[[str], None]) -> None:
        super().__init__(b"", failed)
        self.producers = producers
        self.size = len(next(iter(producers)))
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        size, producers = self.size, self.producers
        if self.rest:
            data = self.rest + data
        whole = len(data) - len(data) % size
        for start in range(0, whole, size):
            producer = producers.get(data[start : start + size])
            if producer is None or producer.sent == producer.answered:
                self.failed(f"nobody sent {data[start : start + size]!r}" + (" twice" if producer else ""))
                return
            producer.answered += 1
            producer.bytes += size
            if producer.running:
                producer.send()
        self.rest = data[whole:]


class FunnelLoad(Load):
    """The plan's connections are the producers; the reader is one more."""

    unfinished = "messages did not come to the reader"

    async def open(self) -> None:
        # First of all: a raw server takes the first connection for the reader.
        reading = (await self.open_websocket(READER_PATH)).transport
        producers: dict[bytes, Connection] = {}
        # Numbers of the same length make messages of the same length.
        for number, transport in enumerate(await self.open_all(self.plan.path), start=1000):
            batch = echo_batch(number, 1, self.plan.size, websocket=not self.plan.raw)
            producers[batch.reply] = Producer(batch.request, self.watch.failed)
            producers[batch.reply].attach(transport)
        self._reader = Reader(producers, self.watch.failed)
        self._reader.attach(reading)
        self.connections = list(producers.values())

    def close(self) -> None:
        if self.connections:
            self._reader.close()
        super().close()
