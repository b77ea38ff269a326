"""Descriptions of tasks for the log."""

from __future__ import annotations

import asyncio
import contextlib

from emmett.app import _run
from emmett.server.task_names import describe_task


async def waits() -> None:
    await asyncio.Event().wait()


async def outer() -> None:
    await waits()


async def test_a_task_is_described_by_the_function_and_line_of_the_application() -> None:
    for coroutine in (outer(), _run(outer)):
        task = asyncio.create_task(coroutine)
        await asyncio.sleep(0)
        line = outer.__code__.co_firstlineno + 1
        assert describe_task(task) == f"{__name__}.outer ({__file__}:{line})"
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_task_that_has_ended_is_described_by_its_result() -> None:
    async def ends() -> None: ...

    task = asyncio.create_task(ends(), name="short")
    await task
    assert "short" in describe_task(task)
