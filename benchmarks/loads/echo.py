"""Connections that send messages and want them answered with prebuilt bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from benchmarks.frames import Batch, echo_batch
from benchmarks.loads import json_messages
from benchmarks.loads.load import DRAIN_TIMEOUT, Load, Watch, opened
from benchmarks.plan import LoadPlan


class EchoConnection(asyncio.Protocol):
    """Sends a batch, checks the reply, sends it again.

    Arguments:
        batch: what to send and to expect.
        failed: called with a sentence when something else happens.
    """

    __slots__ = ("answered", "batch", "failed", "received", "running", "sent", "transport")

    def __init__(self, batch: Batch, failed: Callable[[str], None]) -> None:
        self.batch = batch
        self.failed = failed
        self.transport: asyncio.Transport | None = None  # None before start() and after close()
        self.running = False
        self.sent = 0  # batches
        self.answered = 0  # batches
        self.received = 0  # bytes of the reply under way

    def start(self, transport: asyncio.Transport) -> None:
        """Take over an open connection and send the first batch."""
        transport.set_protocol(self)
        if transport.is_closing():
            self.failed("the server closed a connection before the first message")
            return
        self.transport = transport
        self.running = True
        self.sent = 1
        transport.write(self.batch.request)

    def stop(self) -> None:
        """Send no further batch. The reply to the last one is still checked."""
        self.running = False

    def close(self) -> None:
        """Drop the connection."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        reply = self.batch.reply
        if not reply.startswith(data, self.received):
            self.failed(describe_difference(reply, self.received, data))
            return
        self.received += len(data)
        if self.received == len(reply):
            self.received = 0
            self.answered += 1
            if self.running and self.transport is not None:
                self.sent += 1
                self.transport.write(self.batch.request)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self.transport = None
            self.failed(f"the server closed a connection after {self.messages} messages: {error or 'end of stream'}")

    @property
    def finished(self) -> bool:
        """Whether all that was sent has come back."""
        return self.sent == self.answered

    @property
    def messages(self) -> int:
        """How many messages have come back whole."""
        return self.answered * self.batch.messages + self.received * self.batch.messages // len(self.batch.reply)

    @property
    def checked_bytes(self) -> int:
        """How many bytes have come back, all of them compared."""
        return self.answered * len(self.batch.reply) + self.received


class EchoLoad(Load):
    """All connections send without pause: a batch, its reply, the next batch."""

    def __init__(self, plan: LoadPlan, watch: Watch) -> None:
        super().__init__(plan, watch)
        self.connections: list[EchoConnection] = []
        self._busy: list[tuple[EchoConnection, asyncio.Transport]] = []

    async def open(self) -> None:
        for batch, transport in await opened(self.plan.connections, self._open):
            connection = EchoConnection(batch, self.watch.failed)
            self.connections.append(connection)
            self._busy.append((connection, transport))

    async def _open(self, number: int) -> tuple[Batch, asyncio.Transport]:
        plan = self.plan
        path = json_messages.DIALECTS[plan.dialect].path if plan.dialect else plan.path
        opened = await self.open_websocket(path)
        transport = opened.transport
        if plan.payload == "text":
            return echo_batch(number, plan.in_flight, plan.size, websocket=not plan.raw), transport
        request = json_messages.request(number, plan.in_flight, plan.dialect)
        if plan.raw:
            return Batch(request, request, plan.in_flight), transport
        reply = await json_messages.learn_reply(transport, number, plan.in_flight, plan.dialect, opened.early)
        return Batch(request, reply, plan.in_flight), transport

    def start(self) -> None:
        for connection, transport in self._busy:
            connection.start(transport)

    async def finish(self) -> None:
        for connection in self.connections:
            connection.stop()
        await self.watch.run_until(
            lambda: all(connection.finished for connection in self.connections),
            DRAIN_TIMEOUT,
            f"messages were still unanswered {DRAIN_TIMEOUT:.0f} s after the last one was sent",
        )

    def close(self) -> None:
        for connection in self.connections:
            connection.close()
        super().close()

    @property
    def count(self) -> int:
        return sum(connection.messages for connection in self.connections)

    @property
    def checked_bytes(self) -> int:
        return sum(connection.checked_bytes for connection in self.connections)


def describe_difference(expected: bytes, offset: int, data: bytes) -> str:
    """Say where a reply differs from the expected one.

    Arguments:
        expected: the whole reply.
        offset: how many bytes of it came before.
        data: what came now.
    """
    rest = expected[offset : offset + len(data)]
    place = next((i for i, (want, got) in enumerate(zip(rest, data, strict=False)) if want != got), len(rest))
    want, got = expected[offset + place :][:16], data[place:][:16]
    return f"the reply is wrong from byte {offset + place} of {len(expected)}: {got!r} instead of {want!r}"
