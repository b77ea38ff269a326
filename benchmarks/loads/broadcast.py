"""One connection sends to all, and sends again when everybody has everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from benchmarks.frames import Batch, client_frame, echo_batch, masking_key, server_frame
from benchmarks.loads.echo import describe_difference
from benchmarks.loads.load import DRAIN_TIMEOUT, Load, Watch, opened
from benchmarks.plan import LoadFailed, LoadPlan

PROBE_INTERVAL = 0.5
PROBES = 40


class Subscriber(asyncio.Protocol):
    """A connection that gets what one of them sends.

    Arguments:
        reply: what everybody must get each time, byte for byte.
        complete: called when this one has it whole.
        failed: called with a sentence when something else comes.
    """

    __slots__ = ("answered", "complete", "failed", "open", "probe", "received", "reply", "seen")

    def __init__(self, reply: bytes, complete: Callable[[], None], failed: Callable[[str], None]) -> None:
        self.reply = reply
        self.complete = complete
        self.failed = failed
        self.open = True
        self.answered = 0
        self.received = 0
        self.probe: bytes | None = None  # what shows that the server has this connection on its list
        self.seen = b""

    def data_received(self, data: bytes) -> None:
        if self.probe is not None:
            self._look_for_probe(data)
            return
        if not self.reply.startswith(data, self.received):
            self.failed(describe_difference(self.reply, self.received, data))
            return
        self.received += len(data)
        if self.received == len(self.reply):
            self.received = 0
            self.answered += 1
            self.complete()

    def _look_for_probe(self, data: bytes) -> None:
        self.seen += data
        if self.probe is not None and self.seen.endswith(self.probe):
            self.probe, self.seen = None, b""

    def connection_lost(self, error: Exception | None) -> None:
        if self.open:
            self.failed(f"the server closed a subscriber's connection: {error or 'end of stream'}")


class BroadcastLoad(Load):
    """The first connection sends a batch to all; when all have all of it, it sends the next."""

    connect_timeout = 60.0  # for 5,000 connections to a slow server

    def __init__(self, plan: LoadPlan, watch: Watch) -> None:
        super().__init__(plan, watch)
        self.batch: Batch = echo_batch(0, plan.in_flight, plan.size, websocket=not plan.raw)
        self.subscribers: list[Subscriber] = []
        self._sender: asyncio.Transport | None = None
        self._running = False
        self._waiting = 0  # subscribers that have not got all of the batch under way

    async def open(self) -> None:
        transports = await opened(self.plan.connections, self._open)
        self._sender = transports[0]
        for transport in transports:
            subscriber = Subscriber(self.batch.reply, self._one_complete, self.watch.failed)
            transport.set_protocol(subscriber)
            self.subscribers.append(subscriber)
        await self._subscribed()

    async def _open(self, number: int) -> asyncio.Transport:
        return (await self.open_websocket(self.plan.path)).transport

    async def _subscribed(self) -> None:
        """Send probes until one has come to everybody: the answer to a handshake does not yet promise that."""
        for number in range(PROBES):
            text = b"probe %d" % number
            request = client_frame(text, masking_key(number))
            for subscriber in self.subscribers:
                subscriber.probe = request if self.plan.raw else server_frame(text)
            self.check_open()
            self._write(request)
            deadline = asyncio.get_running_loop().time() + PROBE_INTERVAL
            while asyncio.get_running_loop().time() < deadline:
                await self.watch.run_for(0.005)
                if all(subscriber.probe is None for subscriber in self.subscribers):
                    return
        missing = sum(subscriber.probe is not None for subscriber in self.subscribers)
        raise LoadFailed(f"{missing} of {len(self.subscribers)} subscribers got nothing of what was sent to all")

    def start(self) -> None:
        self._running = True
        self._send()

    def _send(self) -> None:
        self._waiting = len(self.subscribers)
        self._write(self.batch.request)

    def _write(self, data: bytes) -> None:
        if self._sender is not None:
            self._sender.write(data)

    def _one_complete(self) -> None:
        self._waiting -= 1
        if self._waiting == 0 and self._running:
            self._send()

    async def finish(self) -> None:
        self._running = False
        complaint = f"{DRAIN_TIMEOUT:.0f} s after the last message was sent to all, somebody did not have it"
        await self.watch.run_until(lambda: self._waiting == 0, DRAIN_TIMEOUT, complaint)
        if any(subscriber.received for subscriber in self.subscribers):
            raise LoadFailed("a subscriber got more than was sent")

    def close(self) -> None:
        for subscriber in self.subscribers:
            subscriber.open = False
        super().close()

    @property
    def count(self) -> int:
        size, messages = len(self.batch.reply), self.batch.messages
        return sum(one.answered * messages + one.received * messages // size for one in self.subscribers)

    @property
    def checked_bytes(self) -> int:
        return sum(one.answered * len(self.batch.reply) + one.received for one in self.subscribers)
