"""`with_heartbeats`: a stream that sends a heartbeat whenever its source is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator


async def with_heartbeats(
    source: AsyncGenerator[bytes, None], heartbeat: bytes, seconds: float
) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of a source, and a heartbeat after each `seconds` without a chunk.

    The source runs in one task from its first chunk to its close, so that objects it holds across chunks, such as a
    task group or a deadline, work as usual. A chunk is requested only after the one before was taken, never ahead. When
    this generator ends, for whatever reason, the source is cancelled where it waits and closed first.

    Arguments:
        source: yields the chunks.
        heartbeat: the chunk to send during silence.
        seconds: the maximum silence.

    Raises:
        Exception: an error that the source raised, after its last chunk or while it was closed.
    """
    asked, changed = asyncio.Event(), asyncio.Event()
    # The requested chunk, once it is available.
    came: list[bytes] = []
    over = False

    async def pull() -> None:
        try:
            async for chunk in source:
                came.append(chunk)
                asked.clear()
                changed.set()
                # A source may catch its cancellation and continue; its chunks then have no consumer.
                if over:
                    break
                await asked.wait()
        finally:
            await source.aclose()

    puller = asyncio.create_task(pull())
    puller.add_done_callback(lambda _: changed.set())
    try:
        while True:
            asked.set()
            while not await _is_set_within(changed, seconds):
                yield heartbeat
            changed.clear()
            if not came:
                break
            yield came.pop()
    finally:
        over = True
        puller.cancel()
        await asyncio.wait((puller,))
        if not puller.cancelled():
            puller.result()


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
