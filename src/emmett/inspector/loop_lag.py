"""The lag of the event loop: how late it is, sampled twice a second."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

# Seconds between two samples.
INTERVAL = 0.5
# The number of samples to keep: those of the last half minute.
KEPT = 60


class LoopLag:
    """Samples the lag of the running event loop.

    Arguments:
        sleep: waits for a number of seconds.
        clock: returns the time in seconds; by default that of the event loop.

    Attributes:
        samples: the lags in milliseconds, newest last.
    """

    def __init__(
        self,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.samples: deque[float] = deque(maxlen=KEPT)
        self._sleep = sleep
        self._clock = clock

    async def run(self) -> None:
        """Sample until cancelled."""
        clock = self._clock or asyncio.get_running_loop().time
        while True:
            due = clock() + INTERVAL
            await self._sleep(INTERVAL)
            self.samples.append(round(max(0.0, clock() - due) * 1000, 2))
