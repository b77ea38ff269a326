from __future__ import annotations

import asyncio

import pytest

from emmett.channels.tasks import Pool, Tasks, run_together
from tests.channels.kit import turns, until


async def test_tasks_are_kept_and_cancelled() -> None:
    tasks = Tasks()
    ended: list[str] = []

    async def stay() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            # A task may start another one while it ends.
            tasks.spawn(asyncio.sleep(3600))
            ended.append("stay")
            raise

    tasks.spawn(stay())
    tasks.spawn(asyncio.sleep(0))
    await until(lambda: len(tasks) == 1)
    await tasks.cancel()
    assert (ended, len(tasks)) == (["stay"], 0)


async def test_an_error_that_is_not_awaited_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()

    async def fail() -> None:
        raise ValueError("it failed")

    tasks.spawn(fail())
    await until(lambda: caplog.records)
    assert "it failed" in caplog.text
    with pytest.raises(ValueError, match="it failed"):
        await tasks.start(fail())
    assert len(caplog.records) == 1


async def test_a_limited_number_of_jobs_runs_at_once(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()
    pool = Pool(tasks, 3)
    gate = asyncio.Event()
    at_work = most = done = 0

    async def job() -> None:
        nonlocal at_work, most, done
        at_work += 1
        most = max(most, at_work)
        await gate.wait()
        at_work -= 1
        done += 1
        if done % 2:
            raise ValueError("one of two")

    for _ in range(10):
        pool.submit(job)
    await turns()
    assert (at_work, len(pool), len(tasks)) == (3, 7, 3)
    gate.set()
    await until(lambda: done == 10 and not len(tasks))
    assert most == 3
    assert len(caplog.records) == 5
    pool.submit(job)
    pool.clear()
    await until(lambda: not len(tasks))
    assert done == 10


async def test_jobs_run_together() -> None:
    first, second = asyncio.Event(), asyncio.Event()

    async def meet(mine: asyncio.Event, other: asyncio.Event, number: int) -> int:
        mine.set()
        await other.wait()
        return number

    assert await run_together([meet(first, second, 1), meet(second, first, 2)]) == [1, 2]
    assert await run_together([meet(first, second, 3)]) == [3]
    assert await run_together([]) == []


async def test_a_failed_job_cancels_those_that_run_with_it() -> None:
    ended: list[str] = []

    async def stay() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("stay")

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        await run_together([stay(), fail()])
    assert ended == ["stay"]
