"""Samples what no event reports: the lag of the event loop, held memory, and messages of open websockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from .host import MeasuredApplication
from .measuring import Measuring

# Seconds between two samples of the event loop's lag.
LAG_INTERVAL = 0.5
# The number of these samples between two counts of the open websockets.
COUNT_EVERY = 4
# The number of these samples between two questions to the broker, and the seconds that it has to answer.
ASK_EVERY = 20
ANSWER_TIMEOUT = 5.0


class Sampler:
    """Samples for as long as the application runs.

    Arguments:
        app: the application.
        measuring: receives the samples.
        sleep: waits for a number of seconds.
        after: runs after each count of the open websockets.
    """

    def __init__(
        self,
        app: MeasuredApplication,
        measuring: Measuring,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        after: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._app = app
        self._measuring = measuring
        self._after = after
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None
        # The question to the broker; other samples do not wait for it.
        self._asking: asyncio.Task[None] | None = None
        app.on_startup(self.start)
        app.on_shutdown(self.stop)

    def start(self) -> None:
        """Begin. Called when the application starts."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End. Called when the application stops."""
        tasks, self._task, self._asking = (self._task, self._asking), None, None
        for task in tasks:
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def sample(self) -> None:
        """Record the messages of open websockets, the lengths of queues, and the held memory."""
        await self._measuring.count_open()
        held = self._app.held_memory
        if held is not None:
            self._measuring.note_held(held)
        found = [channels.stats() for channels in self._channels()]
        routes = (route.path for route in self._app.routes if route.kind == "websocket")
        self._measuring.begin(bool(found), routes)
        if found:
            self._measuring.note_channels(sum(each.queued for each in found), sum(each.dropped for each in found))

    async def ask(self) -> None:
        """Measure a round trip to each broker."""
        for channels in self._channels():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_TIMEOUT):
                    health = await channels.check()
                if health.round_trip is not None:
                    self._measuring.note_round_trip(health.round_trip)

    def _channels(self) -> list[Any]:
        return [each for each in self._app.wired if hasattr(each, "stats") and hasattr(each, "check")]

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in itertools.count(1):
            due = loop.time() + LAG_INTERVAL
            await self._sleep(LAG_INTERVAL)
            self._measuring.note_lag(loop.time() - due)
            if not number % COUNT_EVERY:
                await self.sample()
                if self._after is not None:
                    await self._after()
            if number % ASK_EVERY == 1 and (self._asking is None or self._asking.done()):
                self._asking = loop.create_task(self.ask())
