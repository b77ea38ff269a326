from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from emmett.errors import RequestError, UsageError
from emmett.http import Body
from tests.http.builders import Clock, make_body


async def test_await_returns_the_whole_body_any_number_of_times() -> None:
    body = make_body(b"one ", b"two ", b"three")
    assert await body == b"one two three"
    assert await body == b"one two three"


async def test_a_body_may_be_empty() -> None:
    assert await make_body() == b""
    assert [chunk async for chunk in make_body()] == []


async def test_nothing_is_read_in_advance() -> None:
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


async def test_stream_yields_the_chunks_as_they_arrive() -> None:
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    chunks = aiter(Body(arriving.get, max_size=100))
    for chunk in (b"a", b"bc"):
        arriving.put_nowait(chunk)
        assert await anext(chunks) == chunk
    arriving.put_nowait(b"")
    with pytest.raises(StopAsyncIteration):
        await anext(chunks)


async def test_a_streamed_body_cannot_be_read_again() -> None:
    body = make_body(b"once")
    assert [chunk async for chunk in body] == [b"once"]
    with pytest.raises(UsageError, match="already streamed"):
        await body
    with pytest.raises(UsageError, match="already streamed"):
        aiter(body)


async def test_a_body_read_whole_can_still_be_streamed_once() -> None:
    body = make_body(b"one ", b"two")
    await body
    assert [chunk async for chunk in body] == [b"one two"]
    assert await body == b"one two"
    with pytest.raises(UsageError):
        aiter(body)


async def test_an_announced_length_over_the_limit_is_refused_before_reading() -> None:
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


async def test_a_size_over_the_limit_is_refused_every_time() -> None:
    body = make_body(b"12345", b"67890", b"1", max_size=10)
    for _ in range(2):
        with pytest.raises(RequestError) as caught:
            await body
        assert caught.value.status == 413


async def test_a_stream_over_the_limit_yields_what_fits_before_it_refuses() -> None:
    chunks = aiter(make_body(b"12345", b"67890", b"1", max_size=10))
    assert [await anext(chunks), await anext(chunks)] == [b"12345", b"67890"]
    with pytest.raises(RequestError) as caught:
        await anext(chunks)
    assert caught.value.status == 413


async def test_a_body_of_exactly_the_limit_is_accepted() -> None:
    assert await make_body(b"12345", b"67890", max_size=10, content_length=10) == b"1234567890"


async def test_two_tasks_can_read_one_body() -> None:
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    body = Body(arriving.get, max_size=100)

    async def whole() -> bytes:
        return await body

    readers = [asyncio.create_task(whole()) for _ in range(2)]
    # Both tasks have started, and found nothing to read yet.
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


async def test_a_stream_continues_after_a_cancelled_reader() -> None:
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


async def test_the_departure_of_the_client_is_an_error_for_the_reader() -> None:
    async def read() -> bytes:
        raise RequestError(400, "the client left")

    with pytest.raises(RequestError, match="the client left"):
        await Body(read, max_size=10)


async def test_a_stream_can_be_resumed_after_a_cancelled_reader() -> None:
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    waiting = asyncio.Event()

    async def read() -> bytes:
        if arriving.empty():
            waiting.set()
        return await arriving.get()

    chunks = aiter(Body(read, max_size=100))
    first = asyncio.ensure_future(anext(chunks))
    await waiting.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    for chunk in (b"one", b"two", b""):
        arriving.put_nowait(chunk)
    assert [chunk async for chunk in chunks] == [b"one", b"two"]
    # It stays at its end, without another read.
    assert [chunk async for chunk in chunks] == []


async def test_two_tasks_can_share_a_stream() -> None:
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    chunks = aiter(Body(arriving.get, max_size=100))
    readers = [asyncio.ensure_future(anext(chunks)) for _ in range(2)]
    for chunk in (b"one", b"two"):
        arriving.put_nowait(chunk)
    assert await asyncio.gather(*readers) == [b"one", b"two"]


async def test_chunks_of_single_bytes_take_little_memory() -> None:
    remaining = iter([b"x"] * 30_000)

    async def read() -> bytes:
        return next(remaining, b"")

    body = Body(read, max_size=30_000)
    tracemalloc.start()
    try:
        assert await body == b"x" * 30_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 150_000


async def test_limits_may_change_until_the_body_is_read() -> None:
    body = make_body(b"12345", max_size=1, content_length=5)
    body.max_size = 5
    assert await body == b"12345"


async def test_too_large_does_not_end_the_connection() -> None:
    # The peer is still sending, so closing would cause a reset before it can read the response.
    with pytest.raises(RequestError) as caught:
        await make_body(b"12345", max_size=1)
    assert caught.value.headers == {}


# Deadlines. The test controls the clock.


async def never() -> bytes:
    return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


@pytest.mark.loops("asyncio", "uvloop")
async def test_a_missing_body_is_408() -> None:
    body = Body(never, max_size=100, timeout=0.01)
    for _ in range(2):
        with pytest.raises(RequestError, match=r"did not arrive in time: it has 0\.01 s") as caught:
            await body
        assert caught.value.status == 408
        assert caught.value.headers == {"connection": "close"}


@pytest.mark.deadline(1000)
async def test_a_slow_drip_is_408_after_the_total_timeout() -> None:
    clock, came = Clock(), 0

    async def read() -> bytes:
        nonlocal came
        await clock.wait(9)
        came += 1
        return b"x"

    with pytest.raises(RequestError, match="3 bytes arrived") as caught:
        await Body(read, max_size=100, timeout=30)
    assert (caught.value.status, came) == (408, 3)


@pytest.mark.deadline(100_000)
async def test_a_long_body_has_another_second_for_each_kib() -> None:
    clock = Clock()
    remaining = iter([b"x" * 10 * 1024] * 100)

    async def read() -> bytes:
        await clock.wait(9.9)
        return next(remaining, b"")

    assert len(await Body(read, max_size=1 << 20, timeout=30)) == 100 * 10 * 1024


@pytest.mark.deadline(100_000)
async def test_only_the_wait_for_the_peer_counts() -> None:
    clock = Clock()
    remaining = iter([b"x"] * 10)

    async def read() -> bytes:
        await asyncio.sleep(0)
        return next(remaining, b"")

    size = 0
    async for chunk in Body(read, max_size=100, timeout=1):
        size += len(chunk)
        # The application is working.
        clock.forward(100)
    assert size == 10


@pytest.mark.deadline(100_000)
async def test_an_available_chunk_needs_no_time() -> None:
    clock = Clock()
    remaining = iter([b"x"] * 10)

    async def read() -> bytes:
        clock.forward(100)
        return next(remaining, b"")

    assert await Body(read, max_size=100, timeout=1) == b"x" * 10


async def test_a_timeout_error_inside_the_reader_is_not_changed() -> None:
    async def read() -> bytes:
        await asyncio.sleep(0)
        raise TimeoutError("the file system does not answer")

    with pytest.raises(TimeoutError, match="file system"):
        await Body(read, max_size=100, timeout=30)


async def test_a_cancelled_reader_with_a_timeout_loses_nothing() -> None:
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    body = Body(arriving.get, max_size=100, timeout=30)

    async def whole() -> bytes:
        return await body

    arriving.put_nowait(b"early ")
    first = asyncio.create_task(whole())
    # It takes the available chunk, and waits.
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    later = asyncio.create_task(whole())
    await asyncio.sleep(0)
    arriving.put_nowait(b"late")
    arriving.put_nowait(b"")
    assert await later == b"early late"


async def test_a_reader_may_wait_many_times_for_one_chunk() -> None:
    async def read() -> bytes:
        for _ in range(3):
            try:
                async with asyncio.timeout(0):
                    await never()
            except TimeoutError:
                await asyncio.sleep(0)
        return b""

    assert await Body(read, max_size=100, timeout=30) == b""
