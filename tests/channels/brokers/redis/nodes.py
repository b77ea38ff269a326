"""A broker and its ear, for a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from emmett.channels.brokers.redis import RedisBroker
from emmett.channels.brokers.redis.address import RedisAddress
from tests.channels.brokers.clock import Ear


@asynccontextmanager
async def running(url: str, seconds: float = 2.0) -> AsyncIterator[tuple[RedisBroker, Ear]]:
    """Run a broker while the block does."""
    broker, ear = RedisBroker(url, timeout=seconds), Ear()
    await broker.start(ear)
    try:
        yield broker, ear
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
