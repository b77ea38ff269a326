"""Batches that must be waited for: one at a time, in order, and what happens when a message cannot be sent."""

from __future__ import annotations

import asyncio
import logging

import pytest

from emmett.channels.sink import Batch
from emmett.errors import WebsocketClosed
from emmett.websockets.delivery import Delivery


class Peer:
    """Takes messages while it is open, and records them."""

    def __init__(self, error: Exception | None = None) -> None:
        self.taken: list[str | bytes] = []
        self.failures = 0
        self.reads = asyncio.Event()
        self.error = error
        self.delivery = Delivery(asyncio.get_running_loop(), self.send, self.fail)

    async def send(self, message: str | bytes) -> None:
        await self.reads.wait()
        if self.error is not None:
            raise self.error
        self.taken.append(message)

    async def fail(self) -> None:
        self.failures += 1


def ready(delivery: Delivery) -> asyncio.Future[None]:
    future = asyncio.get_running_loop().create_future()
    delivery.when_ready(lambda: future.set_result(None))
    return future


async def test_a_batch_is_sent_in_order() -> None:
    peer = Peer()
    peer.reads.set()
    assert peer.delivery.deliver(Batch(["one", b"two", "three"]))
    await ready(peer.delivery)
    assert peer.taken == ["one", b"two", "three"]


async def test_during_a_batch_no_other_is_taken() -> None:
    peer = Peer()
    assert peer.delivery.deliver(Batch(["one"]))
    assert not peer.delivery.deliver(Batch(["two"]))
    told = ready(peer.delivery)
    peer.reads.set()
    await told
    assert peer.delivery.deliver(Batch(["three"]))
    await peer.delivery.finish()
    assert peer.taken == ["one", "three"]


async def test_without_a_batch_a_callback_runs_in_the_next_turn() -> None:
    peer = Peer()
    told = ready(peer.delivery)
    assert not told.done()
    await told


async def test_a_closed_connection_ends_the_batch_and_callbacks_run() -> None:
    peer = Peer(WebsocketClosed(1006))
    peer.delivery.deliver(Batch(["one", "two"]))
    told = ready(peer.delivery)
    peer.reads.set()
    await told
    assert peer.failures == 0


async def test_a_message_that_cannot_be_sent_is_logged_and_fails_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    peer = Peer(LookupError("a hook"))
    with caplog.at_level(logging.ERROR, "emmett.websocket"):
        peer.delivery.deliver(Batch(["one"]))
        told = ready(peer.delivery)
        peer.reads.set()
        await told
    assert peer.failures == 1
    assert "could not be sent" in caplog.text


async def test_without_a_batch_finish_does_not_wait() -> None:
    await Peer().delivery.finish()
