"""A broker and its listener, for a test."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from emmett.channels.brokers.nats import NatsBroker
from emmett.channels.brokers.nats.broker import _Node
from emmett.channels.brokers.port import Limits
from emmett.channels.publication import Position
from tests.channels.brokers.clock import RecordingListener

LIMITS = Limits(1000, 600.0)


@asynccontextmanager
async def running(
    url: str, seconds: float = 2.0, prefix: str = "emmett"
) -> AsyncIterator[tuple[NatsBroker, RecordingListener]]:
    """Run a broker while the block does."""
    broker, listener = NatsBroker(url, prefix=prefix, timeout=seconds), RecordingListener()
    await broker.start(listener)
    try:
        yield broker, listener
    finally:
        await broker.stop()


async def until(condition: Callable[[], object], seconds: float = 15) -> None:
    """Wait for a condition that has no event."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def keep(broker: NatsBroker, channel: str, payload: bytes, limits: Limits = LIMITS) -> Position:
    """Publish to a channel with history."""
    position = await broker.publish(channel, payload, limits)
    assert position is not None
    return position


def fresh_channel() -> str:
    """Return a channel that no other test uses."""
    return f"g{secrets.token_hex(6)}:1"


def node_of(broker: NatsBroker) -> _Node:
    """Return the running state of a broker."""
    assert broker._node is not None
    return broker._node
