"""An awaitable that is begun at once, and awaited only if it waits for something."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from emmett.asgi.eager import begin


async def test_an_awaitable_that_does_not_wait_completes_at_once() -> None:
    done = []

    async def send() -> None:
        done.append(1)

    assert begin(send()) is None
    assert done == [1]


async def test_an_error_before_the_first_wait_is_raised() -> None:
    async def send() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        begin(send())


async def test_the_rest_goes_on_after_each_wait() -> None:
    first, second = (asyncio.get_running_loop().create_future() for _ in range(2))
    seen = []

    async def send() -> None:
        seen.append(await first)
        seen.append(await second)

    async def run() -> None:
        rest = begin(send())
        assert rest is not None
        await rest

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    assert seen == []
    first.set_result(1)
    second.set_result(2)
    await task
    assert seen == [1, 2]


async def test_an_error_after_a_wait_is_raised() -> None:
    async def send() -> None:
        await asyncio.sleep(0)
        raise OSError("gone")

    rest = begin(send())
    assert rest is not None
    with pytest.raises(OSError, match="gone"):
        await rest


async def test_cancellation_reaches_it() -> None:
    seen = []

    async def send() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            seen.append("cancelled")
            await asyncio.sleep(0)
            seen.append("cleaned up")
            raise

    async def run() -> None:
        rest = begin(send())
        assert rest is not None
        await rest

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled", "cleaned up"]


async def test_a_deadline_applies_to_the_rest() -> None:
    async def send() -> None:
        await asyncio.get_running_loop().create_future()

    rest = begin(send())
    assert rest is not None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await rest


class Foreign:
    """An awaitable as servers in other languages make it: an iterator that is not a generator."""

    def __init__(self, future: asyncio.Future[None]) -> None:
        self._future = future
        self._is_waiting = False

    def __await__(self) -> Generator[Any, Any, None]:
        return self  # type: ignore[return-value]

    def __iter__(self) -> Foreign:
        return self

    def __next__(self) -> object:
        if self._is_waiting:
            raise StopIteration
        self._is_waiting = True
        self._future._asyncio_future_blocking = True
        return self._future


async def test_an_iterator_that_is_not_a_generator_works_and_may_be_cancelled() -> None:
    loop = asyncio.get_running_loop()

    async def run(future: asyncio.Future[None]) -> str:
        rest = begin(Foreign(future))
        assert rest is not None
        await rest
        return "sent"

    future = loop.create_future()
    task = asyncio.create_task(run(future))
    await asyncio.sleep(0)
    assert not task.done()
    future.set_result(None)
    assert await task == "sent"

    task = asyncio.create_task(run(loop.create_future()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
