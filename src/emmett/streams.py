"""`stream`: responses whose content is produced over time."""

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
    """Creates responses: `stream(source)`, `stream.sse(events)` and `await stream.file(path)`.

    A handler returns them. Their status is that of `emmett.response`, unless they set their own.
    """

    __slots__ = ()

    def __call__(
        self,
        source: AsyncIterable[bytes | str] | Iterable[bytes | str],
        content_type: str = BINARY,
        *,
        filename: str | None = None,
    ) -> Response:
        """Return a response whose content is sent in chunks, each requested when the client has read those before.

        Arguments:
            source: yields the chunks, plain or async; a `str` is sent as UTF-8. Its `aclose` or `close`, if it has one,
                is called at the end, even if the client leaves early. A plain one runs on the event loop.
            content_type: the media type.
            filename: offers a download under this name.

        Raises:
            UsageError: the source is not an iterable of chunks.
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
        """Return a response that streams server-sent events (WHATWG HTML, 9.2), each requested when the client has
        read those before.

        Arguments:
            events: yields the events, plain or async: an `Event` or its data, which is text or a JSON value. It runs in
                a task of its own, from its first event to its end. It is cancelled where it waits, and closed, when the
                client leaves or the server stops.
            heartbeat: seconds of silence after which a comment is sent, so that proxies keep the connection and the
                departure of a client is noticed.
            retry: the reconnection delay for clients in seconds; without it, the client chooses.

        Raises:
            ValueError: `heartbeat` is not above 0, or `retry` is below 0.
            UsageError: the source is not an iterable of events.
        """
        _check_source(events, "stream.sse(...)", "events, plain or async")
        if not (math.isfinite(heartbeat) and heartbeat > 0):
            raise ValueError(f"heartbeat={heartbeat!r}: expected a number of seconds above 0")
        # Sent at once, so that the client and the proxies in between see that the stream has begun.
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
        """Return the answer to the current request with a file: the whole file, the requested part, or a confirmation
        that the client's copy is current.

        Arguments:
            path: the path of the file, relative to the working directory. Never build it from a visitor's input.
            filename: offers a download under this name (RFC 6266).
            content_type: the media type; the default is that of the suffix of `filename` or `path`.
            max_age: how long the client may use its copy without asking, in seconds. Shared caches keep none.

        Returns a response with status 200, 206, 304, 412 or 416 (RFC 9110, 13 and 14). Content that fits into one chunk
        is in the response, longer content is streamed.

        Raises:
            FileNotFoundError, PermissionError and other `OSError`: the file does not exist or cannot be read. If that
                is possible, catch it and `abort(404)`.
            ValueError: `max_age` is below 0, or `filename` is empty.
            UsageError: outside of a request.
        """
        request = current_request.get()
        if request is None:
            raise UsageError("`stream.file` answers the running request, and none is running here")
        if max_age < 0:
            raise ValueError(f"max_age={max_age!r}: expected a number of seconds, 0 or more")
        # The content may be for this visitor only.
        headers = {"cache-control": f"private, max-age={max_age}" if max_age else "private, no-cache"}
        if filename is not None:
            headers["content-disposition"] = attachment(filename)
        file = Path(path)
        media_type = content_type or media_type_of(filename or file.name)

        def respond() -> Response:
            return respond_with_file(request, FileForm(file, identify_file(file), media_type), headers)

        return await asyncio.to_thread(respond_to_changes, respond)


class _EventStream(AsyncIterable[bytes]):
    """Server-sent events as chunks. It owns the source, even if it is never read."""

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
    """Refuse iterables that do not yield chunks: text yields characters, a mapping its keys."""
    whole = isinstance(source, (str, bytes, bytearray, memoryview, Mapping))
    if whole or not isinstance(source, (AsyncIterable, Iterable)):
        raise UsageError(f"{call} got {type(source).__name__}: expected an iterable of {expected}")


stream = Stream()
