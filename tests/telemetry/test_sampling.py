from __future__ import annotations

import asyncio

from emmett import App
from emmett.telemetry import instruments as measured
from emmett.telemetry.measuring import Measuring
from emmett.telemetry.sampling import COUNT_EVERY, LAG_INTERVAL, Sampler
from tests.telemetry.test_measuring import Sums


async def test_it_samples_while_the_application_runs() -> None:
    app, sums = App(__name__), Sums()
    app.table.held_memory = lambda: 77
    waits: asyncio.Queue[float] = asyncio.Queue()
    go_on = asyncio.Semaphore(0)

    async def sleep(seconds: float) -> None:
        waits.put_nowait(seconds)
        await go_on.acquire()

    Sampler(app, Measuring(sums, dict, False), sleep)
    await app.startup()
    for _ in range(COUNT_EVERY + 1):
        assert await waits.get() == LAG_INTERVAL
        go_on.release()
    assert sums.of(measured.HELD) == {(): 77}
    assert len(sums.recorded(measured.LOOP_LAG)) == COUNT_EVERY
    await app.shutdown()
    await app.shutdown()
