"""`Body`: the body of one request, read whole or in chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

from ..errors import RequestError, UsageError


class Body:
    """The body of one request. Nothing is read before it is asked for.

    `await body` gives all of it, any number of times and from any number of tasks. `async for chunk in body` gives it
    as it arrives, once, and keeps nothing.

    Arguments:
        read: gives the next chunk, and `b""` at the end. It may raise `RequestError`, such as for a client that left.
        max_size: the most bytes that the body may have.
        content_length: how many bytes the request announced; `None` when it did not.

    Raises:
        RequestError: with status 413 (RFC 9110, 15.5.14), when the body is larger than `max_size`, or says it will be.
        UsageError: when it is read after it was streamed.
    """

    __slots__ = ("_chunks", "_content", "_content_length", "_lock", "_max_size", "_read", "_size", "_streamed")

    def __init__(
        self, read: Callable[[], Awaitable[bytes]], *, max_size: int, content_length: int | None = None
    ) -> None:
        self._read = read
        self._max_size = max_size
        self._content_length = content_length
        # Bytes that came so far.
        self._size = 0
        # What came so far of a body that is read whole; a cancelled reader leaves it to the next one.
        self._chunks: list[bytes] = []
        self._content: bytes | None = None
        self._streamed = False
        # One reader at a time; made by the first.
        self._lock: asyncio.Lock | None = None

    def __await__(self) -> Generator[Any, None, bytes]:
        return self._read_all().__await__()

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._refuse_streamed()
        self._streamed = True
        return self._stream()

    async def _read_all(self) -> bytes:
        if self._content is None:
            async with self._reading():
                if self._content is None:
                    self._refuse_streamed()
                    self._refuse_large()
                    while chunk := await self._next_chunk():
                        self._chunks.append(chunk)
                    self._content = b"".join(self._chunks)
                    self._chunks.clear()
        return self._content

    async def _stream(self) -> AsyncIterator[bytes]:
        # The lock only lets a reader that is under way finish: an abandoned stream must not hold it.
        async with self._reading():
            received = [self._content] if self._content else self._chunks
        for chunk in received:
            yield chunk
        if self._content is None:
            self._chunks.clear()
            self._refuse_large()
            while chunk := await self._next_chunk():
                yield chunk

    async def _next_chunk(self) -> bytes:
        chunk = await self._read()
        self._size += len(chunk)
        self._refuse_large()
        return chunk

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
        if self._size > self._max_size or (self._content_length or 0) > self._max_size:
            self._chunks.clear()
            raise RequestError(413, f"the request body is larger than the {self._max_size} bytes allowed")
