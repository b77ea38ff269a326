"""`with_heartbeats`: a stream with a sign of life whenever its source is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator


async def with_heartbeats(
    source: AsyncGenerator[bytes, None], heartbeat: bytes, seconds: float
) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of a source, and a heartbeat whenever none came for so many seconds.

    The source runs in one task from its first chunk to its close, so that what it holds across chunks, such as a task
    group or a deadline, works in it as anywhere. A chunk is asked for when the one before was taken, never ahead. When
    this generator ends, in whatever way, the source is cancelled where it waits, and is closed before this is.

    Arguments:
        source: gives the chunks.
        heartbeat: the chunk that stands for silence.
        seconds: the longest silence.

    Raises:
        Exception: what the source raised, behind its last chunk or while it was closed.
    """
    asked, changed = asyncio.Event(), asyncio.Event()
    # The chunk that was asked for, once it has come.
    came: list[bytes] = []
    over = False

    async def pull() -> None:
        try:
            async for chunk in source:
                came.append(chunk)
                asked.clear()
                changed.set()
                # A source may catch its cancellation and go on; then there is nobody to ask for more.
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
