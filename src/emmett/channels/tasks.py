"""Tasks of the hub: kept until they end, and all ended with it; and a bound on how many ask the broker at once."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

logger = logging.getLogger("emmett.channels")


class Tasks:
    """Tasks that somebody must keep: the event loop itself does not."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """Return how many have not ended."""
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Start a task that nobody waits for. An error of it is logged."""
        self.start(coroutine).add_done_callback(_log_error)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def cancel(self) -> None:
        """End all of them, and wait for that."""
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def _log_error(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("a task of the channels failed", exc_info=task.exception())


class Pool:
    """Jobs of which only so many are at work at once; the others wait in line, and cost no task.

    Arguments:
        tasks: they keep the tasks.
        limit: how many at once.
    """

    def __init__(self, tasks: Tasks, limit: int) -> None:
        self._tasks = tasks
        self._limit = limit
        self._jobs: deque[Callable[[], Awaitable[None]]] = deque()
        self._workers = 0

    def __len__(self) -> int:
        """Return how many jobs wait."""
        return len(self._jobs)

    def submit(self, job: Callable[[], Awaitable[None]]) -> None:
        """Put a job in line."""
        self._jobs.append(job)
        if self._workers < self._limit:
            self._workers += 1
            self._tasks.spawn(self._work())

    def clear(self) -> None:
        """Forget the jobs that wait."""
        self._jobs.clear()

    async def _work(self) -> None:
        try:
            while self._jobs:
                try:
                    await self._jobs.popleft()()
                except Exception:
                    logger.exception("a job of the channels failed")
        finally:
            self._workers -= 1
