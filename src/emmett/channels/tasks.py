"""Keep the tasks of the hub until they end, cancel them with it, limit broker calls, and run jobs together."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

logger = logging.getLogger("emmett.channels")

T = TypeVar("T")


class Tasks:
    """Holds references to tasks, because the event loop does not."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """Return the number of tasks that have not ended."""
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Start a task whose result is not needed. Its error is logged."""
        self.start(coroutine).add_done_callback(_log_error)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def cancel(self) -> None:
        """Cancel all tasks, and wait until they have ended."""
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def _log_error(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("a task of the channels failed", exc_info=task.exception())


class Pool:
    """Runs a limited number of jobs concurrently; the others wait in a queue and need no task.

    Arguments:
        tasks: keeps the tasks.
        limit: the maximum number of concurrent jobs.
    """

    def __init__(self, tasks: Tasks, limit: int) -> None:
        self._tasks = tasks
        self._limit = limit
        self._jobs: deque[Callable[[], Awaitable[None]]] = deque()
        self._workers = 0

    def __len__(self) -> int:
        """Return the number of jobs in the queue."""
        return len(self._jobs)

    def submit(self, job: Callable[[], Awaitable[None]]) -> None:
        """Add a job to the queue."""
        self._jobs.append(job)
        if self._workers < self._limit:
            self._workers += 1
            self._tasks.spawn(self._work())

    def clear(self) -> None:
        """Discard the jobs in the queue."""
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


async def run_together(jobs: Sequence[Awaitable[T]]) -> list[T]:
    """Run jobs concurrently and return their results. If one fails, cancel the others before raising its error."""
    if len(jobs) == 1:
        return [await jobs[0]]
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
