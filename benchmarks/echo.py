"""One connection of the load generator that sends messages and wants them back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from benchmarks.frames import Batch


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
