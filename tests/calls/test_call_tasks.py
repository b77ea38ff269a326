import asyncio
from contextvars import ContextVar, copy_context

import pytest

from emmett.calls.call_tasks import CallTasks, watch

variable: ContextVar[str] = ContextVar("variable", default="unset")


async def wait_for(event: asyncio.Event) -> None:
    await event.wait()


async def fail() -> None:
    raise LookupError("for the test")


async def test_it_ends_with_the_last_task() -> None:
    tasks, events = CallTasks(copy_context()), [asyncio.Event() for _ in range(3)]
    spawned = [tasks.spawn(wait_for(event)) for event in events]
    for number in (0, 2):
        events[number].set()
        await spawned[number]
    assert not tasks.ended.done()
    # A task that takes the place of the first one.
    last = asyncio.Event()
    _ = tasks.spawn(wait_for(last))
    events[1].set()
    await spawned[1]
    assert not tasks.ended.done()
    last.set()
    await tasks.ended


async def test_it_fails_with_the_first_task_that_fails() -> None:
    tasks = CallTasks(copy_context())
    _ = tasks.spawn(wait_for(asyncio.Event()))
    _ = tasks.spawn(fail())
    _ = tasks.spawn(fail())
    with pytest.raises(LookupError):
        await tasks.ended
    await tasks.cancel()


async def test_cancelling_waits_for_all() -> None:
    tasks, ended = CallTasks(copy_context()), list[int]()

    async def run(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    for number in range(3):
        _ = tasks.spawn(run(number))
    await asyncio.sleep(0)
    await tasks.cancel()
    assert sorted(ended) == [0, 1, 2]
    assert tasks.ended.done()
    await tasks.cancel()


async def test_each_task_has_a_context_of_its_own() -> None:
    seen: list[str] = []

    async def run(number: int) -> None:
        seen.append(variable.get())
        variable.set(str(number))

    tasks = CallTasks(copy_context())
    for number in range(2):
        await tasks.spawn(run(number))
    assert seen == ["unset", "unset"]
    assert variable.get() == "unset"


async def test_a_watched_coroutine_reports_that_it_waits() -> None:
    told: list[str] = []
    event = asyncio.Event()

    async def at_once() -> None:
        told.append("ran")

    async def later() -> None:
        try:
            await event.wait()
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            told.append("cancelled")
        told.append("went on")

    async def outer() -> None:
        await watch(at_once(), lambda: told.append("waits"))
        await watch(later(), lambda: told.append("waits"))

    first, second = asyncio.create_task(outer()), asyncio.create_task(outer())
    await asyncio.sleep(0)
    assert told == ["ran", "waits", "ran", "waits"]
    first.cancel()
    await first
    assert told[4:] == ["cancelled", "went on"]
    event.set()
    await second
    assert told[6:] == ["went on"]


async def test_a_watched_coroutine_may_fail() -> None:
    with pytest.raises(LookupError, match="for the test"):
        await watch(fail(), lambda: None)
