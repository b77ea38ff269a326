"""`BodyStream`: a response body that comes in chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable

from ..errors import UsageError


class BodyStream(AsyncIterable[bytes]):
    """A response body from an iterable of chunks, plain or async, to be read once.

    A `str` chunk goes as UTF-8, an empty chunk is left out. A plain iterable runs on the event loop, as a plain handler
    does, and lets other tasks run between two chunks: what waits for a disk or a network belongs in an async one.

    Arguments:
        source: gives the chunks. The stream owns it: `close` or `aclose`, where it has one of them, is called when the
            stream ends, fails, or is closed.

    Raises:
        UsageError: while it is read, for a chunk that is neither bytes-like nor `str`; when it is read again.
    """

    __slots__ = ("_chunks", "_source", "_started")

    def __init__(self, source: AsyncIterable[bytes | str] | Iterable[bytes | str]) -> None:
        self._source = source
        self._started = False
        self._chunks: AsyncGenerator[bytes, None] | None = None

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        if self._started:
            raise UsageError("this response body was streamed already: a stream serves one response")
        self._started = True
        source = self._source
        self._chunks = _read_async(source) if isinstance(source, AsyncIterable) else _read_plain(source)
        return self._chunks

    async def aclose(self) -> None:
        """Close the source, whether or not the stream was read. Later calls do nothing."""
        self._started = True
        if self._chunks is not None:
            await self._chunks.aclose()
            self._chunks = None
        await _close(self._source)


async def _read_plain(source: Iterable[object]) -> AsyncGenerator[bytes, None]:
    iterator = iter(source)
    try:
        for chunk in iterator:
            if data := _encode(chunk):
                yield data
            await asyncio.sleep(0)
    finally:
        await _close(iterator)


async def _read_async(source: AsyncIterable[object]) -> AsyncGenerator[bytes, None]:
    iterator = aiter(source)
    try:
        async for chunk in iterator:
            if data := _encode(chunk):
                yield data
    finally:
        await _close(iterator)


def _encode(chunk: object) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, str):
        return chunk.encode("utf-8")
    if isinstance(chunk, (bytearray, memoryview)):
        return bytes(chunk)
    raise UsageError(
        f"a response stream gave a chunk of type {type(chunk).__name__}: "
        "allowed are bytes, bytearray, memoryview and str"
    )


async def _close(source: object) -> None:
    if (aclose := getattr(source, "aclose", None)) is not None:
        await aclose()
    elif (close := getattr(source, "close", None)) is not None:
        close()
