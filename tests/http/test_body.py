from __future__ import annotations

import asyncio

import pytest

from emmett.errors import RequestError, UsageError
from emmett.http import Body
from tests.http.builders import make_body


async def test_await_gives_all_chunks_any_number_of_times() -> None:
    body = make_body(b"one ", b"two ", b"three")
    assert await body == b"one two three"
    assert await body == b"one two three"


async def test_empty_body() -> None:
    assert await make_body() == b""
    assert [chunk async for chunk in make_body()] == []


async def test_nothing_is_read_before_it_is_asked_for() -> None:
    reads = 0

    async def read() -> bytes:
        nonlocal reads
        reads += 1
        return b""

    body = Body(read, max_size=10)
    assert reads == 0
    await body
    assert reads == 1
    await body
    assert reads == 1


async def test_stream_gives_the_chunks_as_they_arrive() -> None:
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    chunks = aiter(Body(arriving.get, max_size=100))
    for chunk in (b"a", b"bc"):
        arriving.put_nowait(chunk)
        assert await anext(chunks) == chunk
    arriving.put_nowait(b"")
    with pytest.raises(StopAsyncIteration):
        await anext(chunks)


async def test_a_streamed_body_is_not_read_again() -> None:
    body = make_body(b"once")
    assert [chunk async for chunk in body] == [b"once"]
    with pytest.raises(UsageError, match="streamed already"):
        await body
    with pytest.raises(UsageError, match="streamed already"):
        aiter(body)


async def test_a_body_read_whole_can_still_be_streamed_once() -> None:
    body = make_body(b"one ", b"two")
    await body
    assert [chunk async for chunk in body] == [b"one two"]
    assert await body == b"one two"
    with pytest.raises(UsageError):
        aiter(body)


async def test_announced_length_over_the_limit_is_refused_before_reading() -> None:
    async def read() -> bytes:
        raise AssertionError("read although the announced length is too large")

    for body in (Body(read, max_size=10, content_length=11), Body(read, max_size=0, content_length=1)):
        with pytest.raises(RequestError, match="larger than the") as caught:
            await body
        assert caught.value.status == 413


async def test_streaming_an_announced_length_over_the_limit_is_refused() -> None:
    with pytest.raises(RequestError) as caught:
        await anext(aiter(make_body(b"x", max_size=10, content_length=11)))
    assert caught.value.status == 413


async def test_counted_size_over_the_limit_is_refused_every_time() -> None:
    body = make_body(b"12345", b"67890", b"1", max_size=10)
    for _ in range(2):
        with pytest.raises(RequestError) as caught:
            await body
        assert caught.value.status == 413


async def test_stream_over_the_limit_gives_what_fits_and_then_refuses() -> None:
    chunks = aiter(make_body(b"12345", b"67890", b"1", max_size=10))
    assert [await anext(chunks), await anext(chunks)] == [b"12345", b"67890"]
    with pytest.raises(RequestError) as caught:
        await anext(chunks)
    assert caught.value.status == 413


async def test_exactly_the_limit_is_accepted() -> None:
    assert await make_body(b"12345", b"67890", max_size=10, content_length=10) == b"1234567890"


async def test_two_tasks_read_one_body() -> None:
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    body = Body(arriving.get, max_size=100)

    async def whole() -> bytes:
        return await body

    readers = [asyncio.create_task(whole()) for _ in range(2)]
    # Both have begun, and found nothing to read yet.
    await asyncio.sleep(0)
    for chunk in (b"a", b"b", b""):
        arriving.put_nowait(chunk)
    assert await asyncio.gather(*readers) == [b"ab", b"ab"]
    assert arriving.empty()


async def test_a_cancelled_reader_loses_nothing() -> None:
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    waiting = asyncio.Event()

    async def read() -> bytes:
        if arriving.empty():
            waiting.set()
        return await arriving.get()

    body = Body(read, max_size=100)

    async def whole() -> bytes:
        return await body

    arriving.put_nowait(b"early ")
    first = asyncio.create_task(whole())
    await waiting.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    arriving.put_nowait(b"late")
    arriving.put_nowait(b"")
    assert await body == b"early late"


async def test_a_stream_takes_over_from_a_cancelled_reader() -> None:
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    waiting = asyncio.Event()

    async def read() -> bytes:
        if arriving.empty():
            waiting.set()
        return await arriving.get()

    body = Body(read, max_size=100)

    async def whole() -> bytes:
        return await body

    arriving.put_nowait(b"early")
    first = asyncio.create_task(whole())
    await waiting.wait()
    first.cancel()
    arriving.put_nowait(b"late")
    arriving.put_nowait(b"")
    assert [chunk async for chunk in body] == [b"early", b"late"]


async def test_a_client_that_left_is_the_readers_error() -> None:
    async def read() -> bytes:
        raise RequestError(400, "the client left")

    with pytest.raises(RequestError, match="the client left"):
        await Body(read, max_size=10)
