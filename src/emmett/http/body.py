"""`Body`: the body of one request, read whole or in chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

from ..errors import RequestError, UsageError

# Bytes in a second that a peer must at least send of a long body, or take of a long response.
SLOWEST_RATE = 1024


class Body:
    """The body of one request. Nothing is read before it is asked for.

    `await body` gives all of it, any number of times and from any number of tasks. `async for chunk in body` gives it
    as it arrives, once, and keeps nothing.

    Arguments:
        read: gives the next chunk, and `b""` at the end. It may raise `RequestError`, such as for a client that left.
        max_size: the most bytes that the body may have.
        content_length: how many bytes the request announced; `None` when it did not.
        timeout: how many seconds the peer may be waited for, all waits together; a long body has a second more for
            each KiB that came. The time between two reads does not count. `None` waits for ever.

    Attributes:
        max_size, timeout: as above; they may be changed until the first read.

    Raises:
        RequestError: with status 413 (RFC 9110, 15.5.14), when the body is larger than `max_size`, or says it will be;
            408 (15.5.9), when it does not come in time, which ends the connection.
        UsageError: when it is read after it was streamed.
    """

    __slots__ = (
        "_begun",
        "_content",
        "_content_length",
        "_lock",
        "_read",
        "_received",
        "_size",
        "_streamed",
        "_waited",
        "max_size",
        "timeout",
    )

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        *,
        max_size: int,
        content_length: int | None = None,
        timeout: float | None = None,
    ) -> None:
        self.max_size = max_size
        self.timeout = timeout
        self._read = read
        self._content_length = content_length
        # Bytes that came so far.
        self._size = 0
        # Seconds that were spent in waiting for them.
        self._waited = 0.0
        # What came so far of a body that is read whole; a cancelled reader leaves it to the next one. Not a list: a
        # peer that sends single bytes must not cost an object for each.
        self._received = bytearray()
        self._content: bytes | None = None
        # It was asked for as a stream, and the stream was read from.
        self._streamed = False
        self._begun = False
        # One reader at a time; made by the first.
        self._lock: asyncio.Lock | None = None

    def __await__(self) -> Generator[Any, None, bytes]:
        return self._read_all().__await__()

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._refuse_streamed()
        self._streamed = True
        return _Chunks(self)

    async def _read_all(self) -> bytes:
        if self._content is None:
            async with self._reading():
                if self._content is None:
                    self._refuse_streamed()
                    self._refuse_large()
                    while chunk := await self._next_chunk():
                        self._received += chunk
                    self._content = bytes(self._received)
                    self._received.clear()
        return self._content

    async def _take(self) -> bytes:
        """Return the next chunk of the stream; the first one is what a reader before it has left."""
        async with self._reading():
            if not self._begun:
                self._refuse_large()
                self._begun = True
                if received := self._content or bytes(self._received):
                    self._received.clear()
                    return received
            return b"" if self._content is not None else await self._next_chunk()

    async def _next_chunk(self) -> bytes:
        chunk = await (self._read() if self.timeout is None else self._read_in_time(self.timeout))
        self._size += len(chunk)
        self._refuse_large()
        return chunk

    async def _read_in_time(self, timeout: float) -> bytes:  # noqa: ASYNC109 - it is spread over many reads
        steps = self._read().__await__()
        try:
            awaited = next(steps)
        except StopIteration as read:
            # The chunk was there. A timer would cost 5 µs, more than reading a small body does.
            chunk: bytes = read.value
            return chunk
        loop = asyncio.get_running_loop()
        started = loop.time()
        deadline = asyncio.timeout_at(started + timeout + self._size / SLOWEST_RATE - self._waited)
        try:
            async with deadline:
                return await _Rest(steps, awaited)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise RequestError(
                408,
                f"the request body did not come in time: it has {timeout:g} s and a second more for each KiB; "
                f"{self._size} bytes came",
                {"connection": "close"},
            ) from None
        finally:
            self._waited += loop.time() - started

    def _reading(self) -> asyncio.Lock:
        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock

    def _refuse_streamed(self) -> None:
        if self._streamed:
            raise UsageError(
                "the request body was streamed already: it can be streamed once; `await request.body` first to keep it"
            )

    def _refuse_large(self) -> None:
        if self._size > self.max_size or (self._content_length or 0) > self.max_size:
            self._received.clear()
            # Without `connection: close`. Servers would close at once, with the rest of the body unread, which resets
            # the connection: the peer might never see this answer. They read on and ignore it.
            raise RequestError(413, f"the request body is larger than the {self.max_size} bytes allowed")


class _Chunks:
    """A body as a stream. Not a generator: who is cancelled while it waits leaves the rest to the next one."""

    __slots__ = ("_body", "_ended")

    def __init__(self, body: Body) -> None:
        self._body = body
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk = b"" if self._ended else await self._body._take()
        if not chunk:
            self._ended = True
            raise StopAsyncIteration
        return chunk


class _Rest:
    """What remains of an awaitable after its first step."""

    __slots__ = ("_awaited", "_steps")

    def __init__(self, steps: Generator[Any, Any, bytes], awaited: Any) -> None:
        self._steps = steps
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, bytes]:
        steps, awaited = self._steps, self._awaited
        try:
            while True:
                try:
                    sent = yield awaited
                except BaseException as error:
                    awaited = steps.throw(error)
                else:
                    awaited = steps.send(sent)
        except StopIteration as read:
            chunk: bytes = read.value
            return chunk
