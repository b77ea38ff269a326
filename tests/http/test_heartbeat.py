from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from emmett.http import heartbeat
from emmett.http.heartbeat import with_heartbeats

BEAT = b"beat"
# Longer than any test, so there is no heartbeat.
LONG = 3600.0

place: ContextVar[str] = ContextVar("place", default="outside")


class Source:
    """A generator that passes on chunks from a test, and records what becomes of it."""

    def __init__(self) -> None:
        self.chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.pulls = 0
        self.waiting = asyncio.Event()
        self.closed = asyncio.Event()
        self.tasks: set[asyncio.Task[Any] | None] = set()
        self.while_closing: Callable[[], object] = lambda: None

    async def run(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                self.tasks.add(asyncio.current_task())
                self.pulls += 1
                self.waiting.set()
                chunk = await self.chunks.get()
                self.waiting.clear()
                if chunk is None:
                    return
                yield chunk
        finally:
            self.tasks.add(asyncio.current_task())
            await asyncio.sleep(0)
            self.closed.set()
            self.while_closing()


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[None]:
    """Each item in this queue stands for a silence that was too long, without a clock."""
    silences: asyncio.Queue[None] = asyncio.Queue()

    async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
        assert seconds == 15.0
        waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(silences.get())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return event.is_set()

    monkeypatch.setattr(heartbeat, "_is_set_within", is_set_within)
    return silences


async def test_chunks_keep_their_order() -> None:
    source = Source()
    for chunk in (b"a", b"b", None):
        source.chunks.put_nowait(chunk)
    assert [chunk async for chunk in with_heartbeats(source.run(), BEAT, LONG)] == [b"a", b"b"]
    assert source.closed.is_set()


async def test_silence_is_filled_and_loses_nothing(silence: asyncio.Queue[None]) -> None:
    source = Source()
    chunks = with_heartbeats(source.run(), BEAT, 15.0)
    for _ in range(3):
        silence.put_nowait(None)
        assert await anext(chunks) == BEAT
    # The source is still waiting, as it was not cancelled for the heartbeats.
    assert source.pulls == 1
    source.chunks.put_nowait(b"a")
    assert await anext(chunks) == b"a"
    silence.put_nowait(None)
    assert await anext(chunks) == BEAT
    source.chunks.put_nowait(None)
    assert [chunk async for chunk in chunks] == []
    assert source.closed.is_set()


async def test_silence_is_measured_by_the_clock() -> None:
    source = Source()
    chunks = with_heartbeats(source.run(), BEAT, 0.001)
    assert [await anext(chunks) for _ in range(3)] == [BEAT] * 3
    await chunks.aclose()
    assert source.closed.is_set()


async def test_nothing_is_read_ahead() -> None:
    source = Source()
    for _ in range(10):
        source.chunks.put_nowait(b"x")
    chunks = with_heartbeats(source.run(), BEAT, LONG)
    for taken in range(1, 4):
        assert await anext(chunks) == b"x"
        # Every task that can run has run.
        for _ in range(10):
            await asyncio.sleep(0)
        assert source.pulls == taken
    await chunks.aclose()


async def test_nothing_runs_before_the_first_chunk_is_requested() -> None:
    source = Source()
    chunks = with_heartbeats(source.run(), BEAT, LONG)
    await chunks.aclose()
    await asyncio.sleep(0)
    assert source.pulls == 0


async def test_the_source_runs_in_one_task() -> None:
    source = Source()
    for chunk in (b"a", b"b", None):
        source.chunks.put_nowait(chunk)
    async for _ in with_heartbeats(source.run(), BEAT, LONG):
        pass
    assert len(source.tasks) == 1
    assert source.tasks != {asyncio.current_task()}


async def test_a_deadline_a_task_group_and_a_context_variable_may_span_chunks() -> None:
    async def run() -> AsyncGenerator[bytes, None]:
        place.set("inside")
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            yield b"a"
            task = group.create_task(asyncio.sleep(0, place.get()))
            yield (await task).encode()

    assert [chunk async for chunk in with_heartbeats(run(), BEAT, LONG)] == [b"a", b"inside"]
    assert place.get() == "outside"


async def test_a_waiting_source_is_cancelled_and_closed_first() -> None:
    source = Source()
    chunks = with_heartbeats(source.run(), BEAT, LONG)
    reading = asyncio.ensure_future(anext(chunks))
    await source.waiting.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert source.closed.is_set()


@pytest.mark.parametrize("after", [b"a", BEAT])
async def test_a_source_is_closed_between_two_chunks(after: bytes, silence: asyncio.Queue[None]) -> None:
    source = Source()
    chunks = with_heartbeats(source.run(), BEAT, 15.0)
    (source.chunks.put_nowait(b"a") if after == b"a" else silence.put_nowait(None))
    assert await anext(chunks) == after
    await chunks.aclose()
    assert source.closed.is_set()


async def test_an_error_of_the_source_is_raised_after_its_chunks() -> None:
    async def run() -> AsyncGenerator[bytes, None]:
        yield b"a"
        raise ZeroDivisionError

    chunks = with_heartbeats(run(), BEAT, LONG)
    assert await anext(chunks) == b"a"
    with pytest.raises(ZeroDivisionError):
        await anext(chunks)


async def test_an_error_during_the_close_of_the_source_is_raised() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    source = Source()
    source.while_closing = fail
    chunks = with_heartbeats(source.run(), BEAT, LONG)
    reading = asyncio.ensure_future(anext(chunks))
    await source.waiting.wait()
    reading.cancel()
    with pytest.raises(ZeroDivisionError):
        await reading


async def test_heartbeats_continue_while_the_source_closes(silence: asyncio.Queue[None]) -> None:
    closing, may_close = asyncio.Event(), asyncio.Event()

    async def run() -> AsyncGenerator[bytes, None]:
        try:
            yield b"a"
        finally:
            closing.set()
            await may_close.wait()

    chunks = with_heartbeats(run(), BEAT, 15.0)
    assert await anext(chunks) == b"a"
    reading = asyncio.ensure_future(anext(chunks))
    await closing.wait()
    silence.put_nowait(None)
    assert await reading == BEAT
    may_close.set()
    assert [chunk async for chunk in chunks] == []


async def test_a_source_that_ignores_its_cancellation_is_cancelled_once() -> None:
    waiting = asyncio.Event()
    closed = False

    async def run() -> AsyncGenerator[bytes, None]:
        nonlocal closed
        try:
            while True:
                try:
                    waiting.set()
                    await asyncio.get_running_loop().create_future()
                except asyncio.CancelledError:
                    yield b"still here"
        finally:
            closed = True

    chunks = with_heartbeats(run(), BEAT, LONG)
    reading = asyncio.ensure_future(anext(chunks))
    await waiting.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert closed


async def test_no_task_is_left() -> None:
    before = asyncio.all_tasks()
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context))
    for _ in range(20):
        source = Source()
        source.chunks.put_nowait(b"a")
        chunks = with_heartbeats(source.run(), BEAT, 0.001)
        # On a loaded machine, silence comes first.
        while await anext(chunks) == BEAT:
            pass
        assert await anext(chunks) == BEAT
        reading = asyncio.ensure_future(anext(chunks))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait((reading,))
        await chunks.aclose()
    assert asyncio.all_tasks() == before
    assert not problems
