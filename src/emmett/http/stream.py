"""`BodyStream`: a response body that comes in chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable

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
        self._chunks = read_source(self._source, _encode)
        return self._chunks

    async def aclose(self) -> None:
        """Close the source, whether or not the stream was read. Later calls do nothing."""
        self._started = True
        if self._chunks is not None:
            await self._chunks.aclose()
            self._chunks = None
        await close_source(self._source)


async def read_source(
    source: AsyncIterable[object] | Iterable[object], encode: Callable[[object], bytes]
) -> AsyncGenerator[bytes, None]:
    """Yield what a source gives, plain or async, encoded; empty chunks are left out. Its iterator is closed at the end.

    A plain source runs on the event loop, and lets other tasks run between two chunks.

    Raises:
        UsageError: the source raised `SystemExit`, which must not end the service of other clients.
    """
    iterator: object = None
    try:
        if isinstance(source, AsyncIterable):
            iterator = items = aiter(source)
            async for item in items:
                if data := encode(item):
                    yield data
        else:
            iterator = plain = iter(source)
            for item in plain:
                if data := encode(item):
                    yield data
                await asyncio.sleep(0)
    except SystemExit as error:
        # In a task of its own, as that of a stream of events, it would end the event loop, and with it all others.
        raise UsageError(f"the source of a response stream asked to end the process: {error!r}") from error
    finally:
        await close_source(iterator)


async def close_source(source: object) -> None:
    """Call `aclose` or `close` of a source or an iterator, where it has one of them."""
    if (aclose := getattr(source, "aclose", None)) is not None:
        await aclose()
    elif (close := getattr(source, "close", None)) is not None:
        close()


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
