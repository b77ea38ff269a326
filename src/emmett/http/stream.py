"""`BodyStream`: a response body in chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable

from ..errors import UsageError


class BodyStream:
    """A response body from an iterable of chunks, plain or async, that can be read once.

    A `str` chunk is sent as UTF-8, an empty chunk is skipped. A plain iterable runs on the event loop, as a plain
    handler does, and other tasks run between two chunks: use an async iterable to wait for a disk or a network.

    Arguments:
        source: yields the chunks. The stream owns it: its `close` or `aclose`, if it has one, is called when the stream
            ends, fails, or is closed.

    Raises:
        UsageError: raised when reading, for a chunk that is neither bytes-like nor `str`, and for a second reading.
    """

    __slots__ = ("_chunks", "_source", "_started")

    def __init__(self, source: AsyncIterable[bytes | str] | Iterable[bytes | str]) -> None:
        self._source = source
        self._started = False
        self._chunks: AsyncGenerator[bytes, None] | None = None

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        if self._started:
            raise UsageError("this response body was already streamed: a stream serves one response")
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
    """Yield the encoded values of a source, plain or async, without empty chunks, and close its iterator at the end.

    A plain source runs on the event loop, and other tasks run between two chunks.

    Raises:
        UsageError: the source raised `SystemExit`, which must not end the service for other clients.
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
        # In a task of its own, as for a stream of events, it would end the event loop and all other tasks.
        raise UsageError(f"the source of a response stream asked to end the process: {error!r}") from error
    finally:
        await close_source(iterator)


async def close_source(source: object) -> None:
    """Call `aclose` or `close` of a source or an iterator, if it has one."""
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
        f"a response stream yielded a chunk of type {type(chunk).__name__}: "
        "allowed are bytes, bytearray, memoryview and str"
    )
