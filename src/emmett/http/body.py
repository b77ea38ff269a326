"""`Body`: the body of one request, read whole or in chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

from ..errors import RequestError, UsageError

# The minimum rate in bytes per second at which a peer must send a long body or read a long response.
SLOWEST_RATE = 1024


class Body:
    """The body of one request. Nothing is read before the application asks for it.

    `await body` returns all of it, any number of times and to any number of tasks. `async for chunk in body` yields it
    as it arrives, once, and keeps nothing.

    Arguments:
        read: returns the next chunk, and `b""` at the end. It may raise `RequestError`, for example if the client left.
        max_size: the maximum size of the body in bytes.
        content_length: the size that the request announced, in bytes; `None` if it did not.
        timeout: the total time to wait for the peer, in seconds; a long body gets one more second for each KiB
            received. The time between two reads does not count. `None` waits forever.

    Attributes:
        max_size, timeout: as above; they can be changed until the first read.

    Raises:
        RequestError: with status 413 (RFC 9110, 15.5.14) if the body is larger than `max_size` or announced to be;
            with 408 (15.5.9) if it does not arrive in time, which ends the connection.
        UsageError: the body is read after it was streamed.
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
        # Bytes received so far.
        self._size = 0
        # Seconds spent waiting for them.
        self._waited = 0.0
        # The part received so far of a body that is read whole; a cancelled reader leaves it to the next one. Not a
        # list: a peer that sends single bytes must not cause an object for each.
        self._received = bytearray()
        self._content: bytes | None = None
        # The application asked for a stream, and reading it has begun.
        self._streamed = False
        self._begun = False
        # One reader at a time. The first one creates the lock.
        self._lock: asyncio.Lock | None = None

    @property
    def held(self) -> int:
        """Bytes that were read and are kept."""
        return len(self._received) + len(self._content or b"")

    def forget(self) -> None:
        """Let go of what came of a body that is not whole."""
        self._received.clear()

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
        """Return the next chunk of the stream. The first chunk is what an earlier reader has left."""
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
            # The chunk was available. A timer would cost 5 µs, more than reading a small body does.
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
                f"the request body did not arrive in time: it has {timeout:g} s and a second more for each KiB; "
                f"{self._size} bytes arrived",
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
                "the request body was already streamed, which works only once; `await request.body` first to keep it"
            )

    def _refuse_large(self) -> None:
        if self._size > self.max_size or (self._content_length or 0) > self.max_size:
            self._received.clear()
            # Without `connection: close`: servers would close at once, with the rest of the body unread, which resets
            # the connection, and the peer might never see this answer. They read and discard the rest.
            raise RequestError(413, f"the request body is larger than the {self.max_size} bytes allowed")


class _Chunks:
    """A body as a stream. Not a generator, so that a reader that is cancelled leaves the rest to the next one."""

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
    """The rest of an awaitable after its first step."""

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
