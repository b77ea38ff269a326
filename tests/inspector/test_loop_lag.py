"""The lag of the event loop, with a clock that a test moves."""

from __future__ import annotations

import asyncio
import contextlib

from emmett.inspector.loop_lag import INTERVAL, KEPT, LoopLag


async def test_the_lag_is_the_delay_of_the_loop() -> None:
    now, lates, wanted = 0.0, [0.0, 0.0125, 3.0], KEPT + 3
    slept = 0

    async def sleep(seconds: float) -> None:
        nonlocal now, slept
        assert seconds == INTERVAL
        if slept == wanted:
            raise asyncio.CancelledError
        now += seconds + lates[slept % 3]
        slept += 1

    lag = LoopLag(sleep, lambda: now)
    with contextlib.suppress(asyncio.CancelledError):
        await lag.run()
    assert len(lag.samples) == KEPT
    assert list(lag.samples)[:3] == [0.0, 12.5, 3000.0]
