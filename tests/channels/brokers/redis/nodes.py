"""A broker and its listener, for a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from emmett.channels.brokers.redis import RedisBroker
from emmett.channels.brokers.redis.address import RedisAddress
from tests.channels.brokers.clock import RecordingListener


@asynccontextmanager
async def running(url: str, seconds: float = 2.0) -> AsyncIterator[tuple[RedisBroker, RecordingListener]]:
    """Run a broker while the block does."""
    broker, listener = RedisBroker(url, timeout=seconds), RecordingListener()
    await broker.start(listener)
    try:
        yield broker, listener
    finally:
        await broker.stop()


async def find(address: RedisAddress) -> RedisAddress:
    """Find the server of a link: always the same one."""
    return address


async def until(condition: Callable[[], object], seconds: float = 15) -> None:
    """Wait for a condition that has no event."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
