"""`Exchange`: one request and its response, on a connection of the default server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextvars import Context
from typing import Protocol

from uvicorn.server import ServerState

from ..dispatch import RouteTable, serve_request
from ..dispatch.serving import describe_end
from ..http.request import Request
from ..http.response import Response
from ..logs import log_fields
from ..observers import Observers, notify
from .body_feed import BodyFeed
from .flow import FlowControl
from .response_head import ResponseHeads

logger = logging.getLogger("emmett.server")

Fields = Sequence[tuple[str, str]]

# Bytes of a body above which it is not copied to leave with its head in one write.
LARGE = 64 * 1024


class Process(Protocol):
    """What an exchange needs of the process.

    Attributes:
        table: the routes of the application.
        tasks: those of all handlers; the one that runs an exchange is among them while it does.
        heads: writes the heads of responses.
        observers: learn when a request has ended.
    """

    table: RouteTable
    tasks: set[asyncio.Task[None]]
    heads: ResponseHeads
    observers: Observers


class ExchangeConnection(Protocol):
    """What an exchange needs of the connection that it is on.

    Attributes:
        transport: takes the response.
        flow: says when to wait with it.
        process: the routes, the tasks of all handlers, and what writes heads.
        server_state: has the fields that all responses begin with.
    """

    transport: asyncio.Transport
    flow: FlowControl
    server_state: ServerState

    @property
    def process(self) -> Process: ...

    def close(self) -> None:
        """Close once what was written has left."""

    def on_response_complete(self) -> None:
        """The response was written; where the connection is not to be kept, it is closing."""

    def on_abandoned_end(self) -> None:
        """The handler has ended after `abandon`."""


class Exchange:
    """One request and its response: runs the application, and is the carrier of what it answers.

    Arguments:
        connection: what it is on.
        request: the request.
        feed: the body of the request; None when it has none.
        keep_alive: whether the connection is of use after it.
        head_size: bytes in the head of the request.

    Attributes:
        is_started: the response has begun.
        is_complete: the response was written.
        is_abandoned: nobody is there to take the response.
        feed, keep_alive, head_size: as above.
    """

    __slots__ = (
        "_began",
        "_cancel_at",
        "_connection",
        "_is_event_stream",
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
        # The task that runs it, while it does.
        self._task: asyncio.Task[None] | None = None
        self._is_event_stream = False
        # The status of the response that has begun; when the request came, where an observer asks, in seconds.
        self._status: int | None = None
        self._began = 0.0
        # When a handler whose client has left is cancelled, in the loop's seconds.
        self._cancel_at: float | None = None

    @property
    def is_streaming(self) -> bool:
        """Whether the response has begun and not ended."""
        return self.is_started and not self.is_complete

    @property
    def is_endless(self) -> bool:
        """Whether the response is a stream of events, which ends when its client leaves."""
        return self.is_streaming and self._is_event_stream

    def held(self) -> int:
        """Return the bytes of the head and the body that have come and are kept."""
        return self.head_size + self._request.held + (0 if self.feed is None else self.feed.unread)

    def shed(self) -> None:
        """Forget what came of a body that is not whole; nothing more of it comes."""
        if self.feed is not None:
            self.feed.stop()
        self._request.forget_body()

    def start(self, loop: asyncio.AbstractEventLoop, context: Context) -> None:
        """Answer the request in a task of its own. What goes wrong there is logged, and the peer is told.

        Arguments:
            loop: the event loop.
            context: the context variables that the handler sees; it may change them.
        """
        if self._connection.process.observers.request_ended:
            self._began = loop.time()
        self._task = loop.create_task(self._run(), context=context)

    async def _run(self) -> None:
        task = self._task
        assert task is not None
        if self.is_abandoned:
            self._end()
            return
        # Here and below, and not by a callback of the task, which would cost the loop another turn.
        process = self._connection.process
        process.tasks.add(task)
        try:
            await serve_request(process.table, self._request, self)
        except BaseException as error:
            if not self._is_settled(error):
                self._fail(error)
        finally:
            process.tasks.discard(task)
            self._end()

    def _end(self) -> None:
        task, self._task = self._task, None
        observers = self._connection.process.observers
        if observers.request_ended and task is not None:
            self._tell(observers, task.get_loop().time())
        if self.is_abandoned:
            self._connection.on_abandoned_end()

    def _tell(self, observers: Observers, now: float) -> None:
        event = describe_end(self._request, self._status, self.is_complete, now - self._began)
        notify(observers.request_ended, event)

    def abandon(self) -> bool:
        """The peer has gone, or is not to get this response.

        A handler that is at work runs on for the time of the setting `http.disconnect_grace`; when it asks for more of
        the body, or answers, it learns that nobody is there. A response that has begun is a stream, perhaps one that
        waits for ever: that is cancelled.

        Returns:
            Whether the handler runs on, so that `cancel_when_due` and `on_abandoned_end` are to be called.
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
        """Cancel the handler of an abandoned request when its grace is over.

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

    # What carries the response.

    async def send_whole(self, response: Response, body: bytes) -> None:
        if self._connection.flow.write_paused:
            await self._connection.flow.drain()
        if self.is_abandoned:
            raise ConnectionResetError("the peer has gone")
        self._write_whole(response.status, response.fields(), body)

    async def send_stream(self, response: Response) -> None:
        """Send a response in chunks, each as it comes.

        Raises:
            RuntimeError: the chunks are more or less than the Content-Length that was set.
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
        # HTTP/1.0 knows no chunks: there the end of the connection ends the body.
        is_chunked = due is None and self._request.http_version != "1.0"
        self._is_event_stream = (response.content_type or "").startswith("text/event-stream")
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
        """Return the head of the response, which must be written now."""
        self.is_started = True
        self._status = status
        says_close = False
        for name, value in fields:
            if name == "connection" and _lists_close(value):
                self.keep_alive, says_close = False, True
        if self.feed is not None and self.feed.is_uninvited:
            # The peer may send its body now or leave it out, nobody can tell: nothing behind it can be read.
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

    # What goes wrong.

    def _fail(self, error: BaseException) -> None:
        """Say that the response could not be made: to the log, and to the peer, if it has got nothing of it."""
        self._log(logging.ERROR, "the response to %s %r failed", error=error)
        if self.is_abandoned:
            return
        if self.is_started:
            # What was sent must not look whole.
            self._connection.close()
        else:
            self._answer(500, b"Internal Server Error")

    def _log(self, level: int, message: str, *values: object, error: BaseException | None = None) -> None:
        """Log a line that begins with the method and the path."""
        request = self._request
        fields = log_fields(client=request.client, method=request.method, path=request.path)
        logger.log(level, message, request.method, request.path, *values, exc_info=error, extra=fields)

    def _answer(self, status: int, body: bytes) -> None:
        """Answer in place of the application, and close."""
        self.keep_alive = False
        fields = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))]
        self._write_whole(status, fields, b"" if self._request.method == "HEAD" else body)

    def _is_settled(self, error: BaseException) -> bool:
        """Whether nothing more is to be said of how it ended. A handler that the server has cancelled is answered."""
        if self.is_abandoned:
            # What is raised where nobody takes the response, or by `abandon`.
            return isinstance(error, (asyncio.CancelledError, ConnectionResetError))
        if not isinstance(error, asyncio.CancelledError) or self._task is None or not self._task.cancelling():
            return False
        # The server stops, and has waited for this handler as long as it may.
        self._log(logging.WARNING, "%s %r was cancelled: the server stops")
        if not self.is_started and not self._connection.flow.write_paused:
            self._answer(503, b"Service Unavailable")
        else:
            self.is_abandoned = True
            self._connection.close()
        return True


def _lists_close(value: str) -> bool:
    """Tell whether a Connection field says that the connection ends (RFC 9112, 9.6)."""
    return "close" in [option.strip(" \t") for option in value.lower().split(",")]
