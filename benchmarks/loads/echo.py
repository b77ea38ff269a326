"""Connections that send messages and want them answered with prebuilt bytes."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.frames import Batch, echo_batch
from benchmarks.loads import json_messages
from benchmarks.loads.load import Connection, Load, opened


class EchoConnection(Connection):
    """Sends a batch, checks the reply, sends it again."""

    def __init__(self, batch: Batch, failed: Callable[[str], None]) -> None:
        super().__init__(batch.request, failed)
        self.batch = batch
        self.received = 0  # bytes of the reply under way

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
                self.transport.write(self.request)

    @property
    def count(self) -> int:
        """How many messages have come back whole."""
        return self.answered * self.batch.messages + self.received * self.batch.messages // len(self.batch.reply)

    @property
    def checked_bytes(self) -> int:
        return self.answered * len(self.batch.reply) + self.received


class EchoLoad(Load):
    """All connections send without pause: a batch, its reply, the next batch."""

    async def open(self) -> None:
        self.connections = await opened(self.plan.connections, self._open)

    async def _open(self, number: int) -> EchoConnection:
        plan = self.plan
        path = json_messages.DIALECTS[plan.dialect].path if plan.dialect else plan.path
        opened = await self.open_websocket(path)
        if plan.payload == "text":
            batch = echo_batch(number, plan.in_flight, plan.size, websocket=not plan.raw)
        else:
            reply = request = json_messages.request(number, plan.in_flight, plan.dialect)
            if not plan.raw:
                reply = await json_messages.learn_reply(
                    opened.transport, number, plan.in_flight, plan.dialect, opened.early
                )
            batch = Batch(request, reply, plan.in_flight)
        connection = EchoConnection(batch, self.watch.failed)
        connection.attach(opened.transport)
        return connection


def describe_difference(expected: bytes, offset: int, data: bytes) -> str:
    """Say where a reply differs from the expected one, of which so many bytes came before."""
    rest = expected[offset : offset + len(data)]
    place = next((i for i, (want, got) in enumerate(zip(rest, data, strict=False)) if want != got), len(rest))
    want, got = expected[offset + place :][:16], data[place:][:16]
    return f"the reply is wrong from byte {offset + place} of {len(expected)}: {got!r} instead of {want!r}"
