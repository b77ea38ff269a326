"""`Exchange`: one request and its response, on a connection of the default server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextvars import Context
from typing import Protocol

from ..dispatch import RouteTable, serve_request
from ..dispatch.observed import tell_request_ended
from ..http.request import Request
from ..http.response import Response
from ..logs import log_fields
from ..observers import Observers
from .body_feed import BodyFeed
from .flow import FlowControl
from .response_head import ResponseHeads
from .server_state import ServerState

logger = logging.getLogger("emmett.server")

Fields = Sequence[tuple[str, str]]

# Bodies of at least this many bytes are not copied to be sent in one write with their head.
LARGE = 64 * 1024


class Process(Protocol):
    """The part of the process that an exchange needs.

    Attributes:
        table: the routes of the application.
        requests: the tasks of all requests, including the one that runs the exchange.
        heads: encodes the heads of responses.
        observers: notified when a request has ended.
    """

    table: RouteTable
    requests: set[asyncio.Task[None]]
    heads: ResponseHeads
    observers: Observers


class ExchangeConnection(Protocol):
    """The part of its connection that an exchange needs.

    Attributes:
        transport: the transport for the response.
        flow: the flow control, which decides when writing waits.
        process: the routes, the tasks of all requests, and the encoder of heads.
        server_state: contains the fields that all responses begin with.
    """

    transport: asyncio.Transport
    flow: FlowControl
    server_state: ServerState

    @property
    def process(self) -> Process: ...

    def close(self) -> None:
        """Close once the write buffer is sent."""

    def on_response_complete(self) -> None:
        """Handle the end of the response; a connection without keep-alive is already closing."""

    def on_abandoned_end(self) -> None:
        """Handle the end of the handler after `abandon`."""


class Exchange:
    """One request and its response: runs the application, and carries its response.

    Arguments:
        connection: the connection of the request.
        request: the request.
        feed: the body of the request; None if it has none.
        keep_alive: whether the connection can be reused afterwards.
        head_size: bytes in the head of the request.

    Attributes:
        is_started: whether the response has begun.
        is_complete: whether the response has been written.
        is_abandoned: whether the response has no recipient any more.
        feed, keep_alive, head_size: as above.
    """

    __slots__ = (
        "_began",
        "_cancel_at",
        "_connection",
        "_endless",
        "_request",
        "_status",
        "_task",
        "feed",
        "head_size",
        "is_abandoned",
        "is_complete",
        "is_started",
        "keep_alive",
    )

    def __init__(
        self,
        connection: ExchangeConnection,
        request: Request,
        feed: BodyFeed | None,
        keep_alive: bool,
        head_size: int = 0,
    ) -> None:
        self._connection = connection
        self._request = request
        self.feed = feed
        self.keep_alive = keep_alive
        self.is_started = False
        self.is_complete = False
        self.is_abandoned = False
        self.head_size = head_size
        # The task that runs the exchange, while it runs.
        self._task: asyncio.Task[None] | None = None
        # A stream that ends only when its client leaves.
        self._endless: Response | None = None
        # The status of the response once it has begun; the arrival time of the request in seconds, if an observer needs
        # it.
        self._status: int | None = None
        self._began = 0.0
        # When to cancel a handler whose client has left, in the loop's seconds.
        self._cancel_at: float | None = None

    @property
    def is_streaming(self) -> bool:
        """Whether the response has begun and not ended."""
        return self.is_started and not self.is_complete

    @property
    def is_endless(self) -> bool:
        """Whether the response is a stream, of events for example, which ends only when its client leaves."""
        return self.is_streaming and self._endless is not None

    def end_stream(self) -> bool:
        """Let an endless stream end by itself; return whether it will, provided that its client still reads."""
        return self._endless is not None and not self._connection.flow.write_paused and self._endless.end_stream()

    def held(self) -> int:
        """Return the received bytes of the head and the body that are kept."""
        return self.head_size + self._request.held + (0 if self.feed is None else self.feed.unread)

    def shed(self) -> None:
        """Discard the received part of an incomplete body, and accept no more of it."""
        if self.feed is not None:
            self.feed.stop()
        self._request.forget_body()

    def start(self, loop: asyncio.AbstractEventLoop, context: Context) -> None:
        """Answer the request in a task of its own. Errors there are logged, and the peer gets an error response.

        Arguments:
            loop: the event loop.
            context: the context of the handler, which may change it.
        """
        if self._connection.process.observers.request_ended:
            self._began = loop.time()
        self._task = loop.create_task(self._run(), context=context)

    async def _run(self) -> None:
        task = self._task
        assert task is not None
        process = self._connection.process
        # Done here and below instead of in a callback of the task, which would cost another turn of the loop.
        process.requests.add(task)
        try:
            if not self.is_abandoned:
                await serve_request(process.table, self._request, self)
        except BaseException as error:
            if not self._is_settled(error):
                self._fail(error)
        finally:
            process.requests.discard(task)
            self._task = None
            if process.observers.request_ended:
                seconds = task.get_loop().time() - self._began
                tell_request_ended(process.observers, self._request, self._status, self.is_complete, seconds)
            if self.is_abandoned:
                self._connection.on_abandoned_end()

    def abandon(self) -> bool:
        """Give up the response, because the peer has gone or must not get it.

        A running handler continues for `http.disconnect_grace` seconds; on reading more of the body or answering, it
        gets an exception. A response that has begun is a stream, which may wait forever, so its handler is cancelled.

        Returns:
            Whether the handler continues, so that `cancel_when_due` and `on_abandoned_end` must be called.
        """
        if self.is_complete:
            return False
        self.is_abandoned = True
        if self.feed is not None:
            self.feed.stop()
        task = self._task
        if task is None:
            return False
        grace = self._request.settings.disconnect_grace
        if grace is not None:
            self._cancel_at = task.get_loop().time() + grace
        if self.is_started:
            task.cancel()
        return True

    def cancel_when_due(self, now: float) -> None:
        """Cancel the handler of an abandoned request once its grace is over.

        Arguments:
            now: the loop's time in seconds.
        """
        grace = self._request.settings.disconnect_grace
        if self._task is None or self._cancel_at is None or grace is None or now < self._cancel_at:
            return
        self._log(logging.INFO, "%s %r was cancelled: its client left %g s ago", grace)
        # A handler that swallows its cancellation is cancelled again.
        self._cancel_at = now + grace
        self._task.cancel()

    # The carrier of the response.

    async def send_whole(self, response: Response, body: bytes) -> None:
        if self._connection.flow.write_paused:
            await self._connection.flow.drain()
        if self.is_abandoned:
            raise ConnectionResetError("the peer has gone")
        self._write_whole(response.status, response.fields(), body)

    async def send_stream(self, response: Response) -> None:
        """Send a response in chunks as they become available.

        Raises:
            RuntimeError: the chunks are longer or shorter than the Content-Length that was set.
        """
        connection = self._connection
        transport, flow = connection.transport, connection.flow
        if flow.write_paused:
            await flow.drain()
        if self.is_abandoned:
            raise ConnectionResetError("the peer has gone")
        fields = response.fields()
        length = response.headers.get("content-length")
        due = None if length is None else int(length)
        # HTTP/1.0 has no chunks: the end of the connection ends the body.
        is_chunked = due is None and self._request.http_version != "1.0"
        is_event_stream = (response.content_type or "").startswith("text/event-stream")
        self._endless = response if is_event_stream or response.is_endless else None
        transport.write(self._begin(response.status, fields, "transfer-encoding: chunked\r\n" if is_chunked else ""))
        async for chunk in response.chunks():
            if flow.write_paused:
                await flow.drain()
            if self.is_abandoned:
                raise ConnectionResetError("the peer has gone")
            if due is not None:
                due -= len(chunk)
                if due < 0:
                    raise RuntimeError(f"the response is longer than its Content-Length of {length}")
            transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
        if due:
            raise RuntimeError(f"the response is {due} bytes shorter than its Content-Length of {length}")
        if is_chunked:
            transport.write(b"0\r\n\r\n")
        self._complete()

    def _write_whole(self, status: int, fields: Fields, body: bytes) -> None:
        transport = self._connection.transport
        head = self._begin(status, fields)
        if len(body) <= LARGE:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        self._complete()

    def _begin(self, status: int, fields: Fields, framing: str = "") -> bytes:
        """Return the head of the response, which the caller must write now."""
        self.is_started = True
        self._status = status
        says_close = False
        for name, value in fields:
            if name == "connection" and _lists_close(value):
                self.keep_alive, says_close = False, True
        if self.feed is not None and self.feed.is_uninvited:
            # The peer may send its body now or omit it. The server cannot know, so it cannot read anything after it.
            self.keep_alive = False
        if not self.keep_alive and not says_close:
            framing = f"connection: close\r\n{framing}"
        connection = self._connection
        return connection.process.heads.write(status, connection.server_state.default_headers, fields, framing)

    def _complete(self) -> None:
        self.is_complete = True
        if self.feed is not None:
            self.feed.stop()
        if not self.keep_alive:
            self._connection.close()
        self._connection.on_response_complete()

    # Errors.

    def _fail(self, error: BaseException) -> None:
        """Report a failed response to the log, and to the peer unless the response has begun."""
        self._request.failure = error
        self._log(logging.ERROR, "the response to %s %r failed", error=error)
        if self.is_abandoned:
            return
        if self.is_started:
            # The truncated response must not look complete.
            self._connection.close()
        else:
            self._answer(500, b"Internal Server Error")

    def _log(self, level: int, message: str, *values: object, error: BaseException | None = None) -> None:
        """Log a line that begins with the method and the path."""
        request = self._request
        fields = log_fields(client=request.client, method=request.method, path=request.path)
        logger.log(level, message, request.method, request.path, *values, exc_info=error, extra=fields)

    def _answer(self, status: int, body: bytes) -> None:
        """Answer on behalf of the application, and close."""
        self.keep_alive = False
        fields = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))]
        self._write_whole(status, fields, b"" if self._request.method == "HEAD" else body)

    def _is_settled(self, error: BaseException) -> bool:
        """Return whether no report of the end is needed; answer for a handler that the server has cancelled."""
        if self.is_abandoned:
            # Raised if the response has no recipient, or by `abandon`.
            return isinstance(error, (asyncio.CancelledError, ConnectionResetError))
        if not isinstance(error, asyncio.CancelledError) or self._task is None or not self._task.cancelling():
            return False
        # The server is stopping, and the deadline of this handler has passed.
        self._log(logging.WARNING, "%s %r was cancelled: the server stops")
        if not self.is_started and not self._connection.flow.write_paused:
            self._answer(503, b"Service Unavailable")
        else:
            self.is_abandoned = True
            self._connection.close()
        return True


def _lists_close(value: str) -> bool:
    """Return whether a Connection field lists `close` (RFC 9112, 9.6)."""
    return "close" in [option.strip(" \t") for option in value.lower().split(",")]
