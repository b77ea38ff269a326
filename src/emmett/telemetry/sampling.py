"""What no event reports is sampled: the lag of the event loop, held memory, messages of open websockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable

from .host import MeasuredApplication
from .measuring import Measuring

# Seconds between two samples of the event loop's lag.
LAG_INTERVAL = 0.5
# Every how many of these samples the open websockets are counted.
COUNT_EVERY = 4


class Sampler:
    """Samples for as long as the application runs.

    Arguments:
        app: the application.
        measuring: gets the samples.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        app: MeasuredApplication,
        measuring: Measuring,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._app = app
        self._measuring = measuring
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None
        app.on_startup(self.start)
        app.on_shutdown(self.stop)

    def start(self) -> None:
        """Begin; the application calls this when it starts."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End; the application calls this when it stops."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def sample(self) -> None:
        """Count what open websockets have carried, and the memory that is held."""
        await self._measuring.count_open()
        held = self._app.held_memory
        if held is not None:
            self._measuring.note_held(held)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in itertools.count(1):
            due = loop.time() + LAG_INTERVAL
            await self._sleep(LAG_INTERVAL)
            self._measuring.note_lag(loop.time() - due)
            if not number % COUNT_EVERY:
                await self.sample()
