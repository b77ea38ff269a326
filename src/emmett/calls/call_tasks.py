"""The tasks of one connection: those that run calls and the one that reads messages."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any


class CallTasks:
    """Runs coroutines in tasks, and notes when the last one ends or the first one fails.

    Arguments:
        context: the context that each task begins with; no task changes it.

    Attributes:
        ended: a future that is done when no task is left; it carries the exception of a task that failed.
    """

    __slots__ = ("_context", "_loop", "_only", "_others", "ended")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        # Most connections have one task most of the time; a set would cost memory.
        self._only: asyncio.Task[None] | None = None
        self._others: set[asyncio.Task[None]] | None = None

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine in a task and a context of its own."""
        task = self._loop.create_task(coroutine, name="call", context=self._context.copy())
        if self._only is None:
            self._only = task
        elif self._others is None:
            self._others = {task}
        else:
            self._others.add(task)
        task.add_done_callback(self._task_ended, context=self._context)
        return task

    async def cancel(self) -> None:
        """Cancel all tasks, and wait for them."""
        for task in self._all():
            task.cancel()
        while tasks := self._all():
            await asyncio.wait(tasks)

    def _all(self) -> list[asyncio.Task[None]]:
        only = [] if self._only is None else [self._only]
        return only if self._others is None else [*only, *self._others]

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if task is self._only:
            self._only = None
        elif self._others is not None:
            self._others.discard(task)
        error = None if task.cancelled() else task.exception()
        if self.ended.done():
            return
        if error is not None:
            self.ended.set_exception(error)
        elif self._only is None and not self._others:
            self.ended.set_result(None)


@types.coroutine
def watch(coroutine: Coroutine[Any, Any, None], waits: Callable[[], None]) -> Generator[Any, Any, None]:
    """Run a coroutine in the running task, and call `waits` when it first yields to the event loop."""
    try:
        wanted = coroutine.send(None)
        waits()
        while True:
            try:
                yield wanted
            except BaseException as error:
                wanted = coroutine.throw(error)
            else:
                wanted = coroutine.send(None)
    except StopIteration:
        pass
