"""One connection sends to all, and sends again when everybody has everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from benchmarks.frames import Batch, client_frame, echo_batch, masking_key, server_frame
from benchmarks.loads.echo import EchoConnection, describe_difference
from benchmarks.loads.load import Load, Watch
from benchmarks.plan import LoadFailed, LoadPlan

PROBE_INTERVAL = 0.5
PROBES = 40


class Subscriber(EchoConnection):
    """A connection that gets what one of them sends; `complete` is called when this one has it whole."""

    title = "a subscriber's connection"

    def __init__(self, batch: Batch, complete: Callable[[], None], failed: Callable[[str], None]) -> None:
        super().__init__(batch, failed)
        self.complete = complete
        self.probe: bytes | None = None  # what shows that the server has this connection on its list
        self.seen = b""

    def data_received(self, data: bytes) -> None:
        if self.probe is not None:
            self.seen += data
            if self.seen.endswith(self.probe):
                self.probe, self.seen = None, b""
            return
        reply = self.batch.reply
        if not reply.startswith(data, self.received):
            self.failed(describe_difference(reply, self.received, data))
            return
        self.received += len(data)
        if self.received == len(reply):
            self.received = 0
            self.answered += 1
            self.complete()


class BroadcastLoad(Load):
    """The first connection sends a batch to all; when all have all of it, it sends the next."""

    connect_timeout = 60.0  # for 5,000 connections to a slow server
    unfinished = "somebody did not have a message to all"

    def __init__(self, plan: LoadPlan, watch: Watch) -> None:
        super().__init__(plan, watch)
        self.batch = echo_batch(0, plan.in_flight, plan.size, websocket=not plan.raw)
        self.subscribers: list[Subscriber] = []
        self._waiting = 0  # subscribers that have not got all of the batch under way

    async def open(self) -> None:
        for transport in await self.open_all(self.plan.path):
            self.subscribers.append(Subscriber(self.batch, self._one_complete, self.watch.failed))
            self.subscribers[-1].attach(transport)
        self.connections = self.subscribers
        await self._subscribed()

    async def _subscribed(self) -> None:
        """Send probes until one has come to everybody: the answer to a handshake does not yet promise that."""
        for number in range(PROBES):
            text = b"probe %d" % number
            request = client_frame(text, masking_key(number))
            for subscriber in self.subscribers:
                subscriber.probe = request if self.plan.raw else server_frame(text)
            self.check_open()
            self._transports[0].write(request)
            deadline = asyncio.get_running_loop().time() + PROBE_INTERVAL
            while asyncio.get_running_loop().time() < deadline:
                await self.watch.run_for(0.005)
                if all(subscriber.probe is None for subscriber in self.subscribers):
                    return
        missing = sum(subscriber.probe is not None for subscriber in self.subscribers)
        raise LoadFailed(f"{missing} of {len(self.subscribers)} subscribers got nothing of what was sent to all")

    def start(self) -> None:
        self.subscribers[0].running = True
        self._send()

    def _send(self) -> None:
        self._waiting = len(self.subscribers)
        self.subscribers[0].send()

    def _one_complete(self) -> None:
        self._waiting -= 1
        if self._waiting == 0 and self.subscribers[0].running:
            self._send()

    async def finish(self) -> None:
        await super().finish()
        if any(subscriber.received for subscriber in self.subscribers):
            raise LoadFailed("a subscriber got more than was sent")

    @property
    def finished(self) -> bool:
        return self._waiting == 0
