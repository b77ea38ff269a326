"""`stream`: responses whose content is not there all at once."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from pathlib import Path

from .ctx import current_request
from .errors import UsageError
from .http.content_disposition import attachment
from .http.file_response import FileForm, identify_file, respond_to_changes, respond_with_file
from .http.heartbeat import with_heartbeats
from .http.media_types import BINARY, media_type_of
from .http.response import Response
from .http.sse import CONTENT_TYPE, Event, encode_comment, encode_event
from .http.stream import close_source, read_source


class Stream:
    """Makes responses: `stream(source)`, `stream.sse(events)` and `await stream.file(path)`.

    A handler returns them. Their status is that of `emmett.response`, unless they have one of their own.
    """

    __slots__ = ()

    def __call__(
        self,
        source: AsyncIterable[bytes | str] | Iterable[bytes | str],
        content_type: str = BINARY,
        *,
        filename: str | None = None,
    ) -> Response:
        """Return a response whose content comes in chunks, each asked for when the client has taken those before.

        Arguments:
            source: gives the chunks, plain or async; a `str` goes as UTF-8. Its `aclose` or `close`, where it has one
                of them, is called at the end, also when the client leaves before. A plain one runs on the event loop.
            content_type: the media type.
            filename: offers a download under this name.

        Raises:
            UsageError: when the source is nothing to go through chunk by chunk.
        """
        _check_source(source, "stream(...)", "chunks, plain or async")
        headers = {} if filename is None else {"content-disposition": attachment(filename)}
        return Response(source, headers=headers, content_type=content_type)

    def sse(
        self,
        events: AsyncIterable[object] | Iterable[object],
        *,
        heartbeat: float = 15.0,
        retry: float | None = None,
    ) -> Response:
        """Return a response that streams server-sent events (WHATWG HTML, 9.2). An event is asked for when the client
        has taken those before.

        Arguments:
            events: gives them, plain or async: an `Event`, or its data, which is text or anything JSON can express. It
                runs in a task of its own, from its first event to its end. It is cancelled where it waits, and closed,
                when the client leaves or the server stops.
            heartbeat: seconds of silence after which a comment is sent: proxies keep the connection, and a client that
                has gone is noticed.
            retry: seconds after which a client whose connection broke is to come back; without it, the client chooses.

        Raises:
            ValueError: for a `heartbeat` that is not above 0, or a `retry` below it.
            UsageError: when there is nothing to go through event by event.
        """
        _check_source(events, "stream.sse(...)", "events, plain or async")
        if not (math.isfinite(heartbeat) and heartbeat > 0):
            raise ValueError(f"heartbeat={heartbeat!r}: expected a number of seconds above 0")
        # At once, so that the client and what is between learn that the stream is there.
        opening = encode_comment() if retry is None else encode_event(Event(retry=retry))
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return Response(_EventStream(events, opening, heartbeat), headers=headers, content_type=CONTENT_TYPE)

    async def file(
        self,
        path: str | os.PathLike[str],
        *,
        filename: str | None = None,
        content_type: str | None = None,
        max_age: int = 0,
    ) -> Response:
        """Return the answer to the running request with a file: all of it, the part that is asked for, or that the
        client has it already.

        Arguments:
            path: where the file is, from the working directory. It must not be made of what a visitor sent.
            filename: offers a download under this name (RFC 6266).
            content_type: the media type; without it that of the suffix of `filename` or `path`.
            max_age: seconds for which the client may use its copy without asking. Caches that several visitors share
                keep none.

        Returns a response with status 200, 206, 304, 412 or 416 (RFC 9110, 13 and 14). What fits one chunk is in it,
        more is streamed.

        Raises:
            FileNotFoundError, PermissionError and other `OSError`: the file is not there or cannot be read. If that may
                be so, catch it and `abort(404)`.
            ValueError: for a `max_age` below 0 or an empty `filename`.
            UsageError: outside of a request.
        """
        request = current_request.get()
        if request is None:
            raise UsageError("`stream.file` answers the running request, and none is running here")
        if max_age < 0:
            raise ValueError(f"max_age={max_age!r}: expected a number of seconds, 0 or more")
        # What a handler sends may be for this visitor alone.
        headers = {"cache-control": f"private, max-age={max_age}" if max_age else "private, no-cache"}
        if filename is not None:
            headers["content-disposition"] = attachment(filename)
        file = Path(path)
        media_type = content_type or media_type_of(filename or file.name)

        def respond() -> Response:
            return respond_with_file(request, FileForm(file, identify_file(file), media_type), headers)

        return await asyncio.to_thread(respond_to_changes, respond)


class _EventStream(AsyncIterable[bytes]):
    """Server-sent events as chunks. It owns the source, also when nobody reads it."""

    def __init__(self, events: AsyncIterable[object] | Iterable[object], opening: bytes, heartbeat: float) -> None:
        self._events = events
        self._opening = opening
        self._heartbeat = heartbeat

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        yield self._opening
        chunks = with_heartbeats(read_source(self._events, encode_event), encode_comment(), self._heartbeat)
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            await chunks.aclose()

    async def aclose(self) -> None:
        await close_source(self._events)


def _check_source(source: object, call: str, expected: str) -> None:
    """Refuse what has items but no chunks: text has characters, a mapping keys."""
    whole = isinstance(source, (str, bytes, bytearray, memoryview, Mapping))
    if whole or not isinstance(source, (AsyncIterable, Iterable)):
        raise UsageError(f"{call} got {type(source).__name__}: expected an iterable of {expected}")


stream = Stream()
