from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from emmett.errors import UsageError
from emmett.http import BodyStream


async def collect(stream: BodyStream) -> list[bytes]:
    return [chunk async for chunk in stream]


async def test_a_plain_iterator_is_streamed() -> None:
    assert await collect(BodyStream(iter([b"a", b"b"]))) == [b"a", b"b"]


async def test_an_async_iterator_is_streamed() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    assert await collect(BodyStream(chunks())) == [b"a", b"b"]


async def test_text_is_sent_as_utf8_and_empty_chunks_are_left_out() -> None:
    chunks: list[bytes | str] = ["é", b"", "", b"x"]
    assert await collect(BodyStream(chunks)) == ["é".encode(), b"x"]


async def test_bytes_like_chunks_are_sent_as_bytes() -> None:
    chunks: list[bytes] = [bytearray(b"a"), memoryview(b"b")]  # type: ignore[list-item]
    got = await collect(BodyStream(chunks))
    assert got == [b"a", b"b"]
    assert all(type(chunk) is bytes for chunk in got)


@pytest.mark.parametrize("chunk", [1, None, ["a"], {"a": 1}, object()])
async def test_other_chunks_are_refused_by_name(chunk: object) -> None:
    with pytest.raises(UsageError, match=f"a chunk of type {type(chunk).__name__}: allowed are bytes"):
        await collect(BodyStream([chunk]))  # type: ignore[list-item]


async def test_a_stream_can_be_read_only_once() -> None:
    stream = BodyStream([b"a"])
    await collect(stream)
    with pytest.raises(UsageError, match="already streamed"):
        await collect(stream)


async def test_a_plain_iterator_lets_other_tasks_run_between_chunks() -> None:
    other_ran = asyncio.Event()
    seen: list[bool] = []

    def chunks() -> Iterator[bytes]:
        for _ in range(3):
            seen.append(other_ran.is_set())
            yield b"x"

    stream = BodyStream(chunks())
    asyncio.get_running_loop().call_soon(other_ran.set)
    await collect(stream)
    assert seen == [False, True, True]


class Source:
    """A plain or async generator that records when it is closed."""

    def __init__(self) -> None:
        self.closed = 0

    def plain(self) -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            self.closed += 1

    async def asynchronous(self) -> AsyncIterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            await asyncio.sleep(0)
            self.closed += 1

    def stream(self, kind: str) -> BodyStream:
        return BodyStream(self.plain() if kind == "plain" else self.asynchronous())


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_a_source_is_closed_after_its_last_chunk(kind: str) -> None:
    source = Source()
    await collect(source.stream(kind))
    assert source.closed == 1


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_a_source_is_closed_if_reading_stops_in_the_middle(kind: str) -> None:
    source = Source()
    stream = source.stream(kind)
    assert await anext(aiter(stream)) == b"a"
    assert source.closed == 0
    await stream.aclose()
    await stream.aclose()
    assert source.closed == 1


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_a_closed_stream_cannot_be_read(kind: str) -> None:
    stream = Source().stream(kind)
    await stream.aclose()
    with pytest.raises(UsageError):
        await collect(stream)


async def test_a_source_is_closed_when_its_chunk_is_refused() -> None:
    closed = False

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            yield 5  # type: ignore[misc]
        finally:
            closed = True

    with pytest.raises(UsageError):
        await collect(BodyStream(chunks()))
    assert closed


async def test_a_source_that_was_never_read_is_closed() -> None:
    class Connection:
        closed = False

        def __iter__(self) -> Iterator[bytes]:
            raise AssertionError("read")

        def close(self) -> None:
            self.closed = True

    connection = Connection()
    await BodyStream(connection).aclose()
    assert connection.closed


async def test_an_error_of_the_source_is_raised() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"a"
        raise ZeroDivisionError

    iterator = aiter(BodyStream(chunks()))
    assert await anext(iterator) == b"a"
    with pytest.raises(ZeroDivisionError):
        await anext(iterator)


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_source_cannot_end_the_process(is_async: bool) -> None:
    def plain() -> Iterator[bytes]:
        yield b"one"
        raise SystemExit(3)

    async def later() -> AsyncIterator[bytes]:
        yield b"one"
        raise SystemExit(3)

    chunks = aiter(BodyStream(later() if is_async else plain()))
    assert await anext(chunks) == b"one"
    with pytest.raises(UsageError, match=r"asked to end the process: SystemExit\(3\)"):
        await anext(chunks)


async def test_a_cancelled_reader_closes_the_source() -> None:
    waiting = asyncio.Event()
    closed = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        try:
            waiting.set()
            await asyncio.get_running_loop().create_future()
            yield b"never"
        finally:
            closed.set()

    task = asyncio.create_task(collect(BodyStream(chunks())))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed.is_set()
