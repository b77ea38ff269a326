"""One request and its response without a connection: which bytes are written, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import copy_context
from typing import Any

import pytest

from emmett import App, Response, request
from emmett.datastructures import Headers
from emmett.dispatch import RouteTable
from emmett.http.request import Request
from emmett.observers import Observers
from emmett.server.body_feed import BodyFeed
from emmett.server.exchange import LARGE, Exchange
from emmett.server.flow import FlowControl
from emmett.server.response_head import ResponseHeads
from emmett.server.server_state import ServerState
from tests.http.builders import reader_of
from tests.websockets.memory_transport import MemoryTransport


class Process:
    """The parts of a process that an exchange needs."""

    def __init__(self, table: RouteTable) -> None:
        self.table = table
        self.requests: set[asyncio.Task[None]] = set()
        self.heads = ResponseHeads()
        self.observers = Observers()


class Connection:
    """The connection of an exchange.

    Attributes:
        completed: the number of complete responses.
        abandoned: the number of handlers that ended after their client had left.
    """

    def __init__(self, table: RouteTable) -> None:
        self.transport: asyncio.Transport = MemoryTransport()
        self.flow = FlowControl(self.transport, copy_context())

        self.process: Process = Process(table)
        self.server_state = ServerState()
        self.completed = 0
        self.abandoned = 0

    def close(self) -> None:
        self.transport.close()

    def on_response_complete(self) -> None:
        self.completed += 1

    def on_abandoned_end(self) -> None:
        self.abandoned += 1


class Run:
    """A handler that answers one request.

    Attributes:
        exchange: the exchange under test.
        connection: its connection.
        task: the task that runs it.
        requests: the tasks of all requests.
        feed: the body of the request, of which nothing has arrived; None without `has_body`.
    """

    def __init__(
        self,
        handler: Callable[[], Any],
        *,
        method: str = "POST",
        version: str = "1.1",
        has_body: bool = False,
        expects: bool = False,
    ) -> None:
        app = App(__name__)
        app.route("/", name="index", methods=["get", "post"])(handler)
        self.connection = Connection(app.table)
        self.feed = BodyFeed(self.connection.flow, (lambda: None) if expects else None) if has_body else None
        request = Request(
            method=method,
            scheme="http",
            path="/",
            raw_path=b"/",
            query_string=b"",
            headers=Headers([(b"host", b"localhost")]),
            client=None,
            read=reader_of() if self.feed is None else self.feed.read,
            http_version=version,
        )
        self.requests = self.connection.process.requests
        self.exchange = Exchange(self.connection, request, self.feed, version == "1.1")
        self.exchange.start(asyncio.get_running_loop(), copy_context())
        assert self.exchange._task is not None
        self.task = self.exchange._task

    @property
    def transport(self) -> MemoryTransport:
        assert isinstance(self.connection.transport, MemoryTransport)
        return self.connection.transport

    @property
    def head(self) -> bytes:
        return self.transport.written.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.transport.written.partition(b"\r\n\r\n")[2]


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def streaming(*chunks: bytes, then: Callable[[], Awaitable[object]] | None = None, **fields: str) -> Response:
    """Return a stream of these chunks that then continues in some way."""

    async def source() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        if then is not None:
            await then()

    return Response(source(), headers={name.replace("_", "-"): value for name, value in fields.items()})


async def endless() -> None:
    await asyncio.get_running_loop().create_future()


async def test_a_response_is_one_write() -> None:
    run = Run(lambda: "hello")
    await run.task
    assert len(run.transport.writes) == 1
    assert run.head == b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 5"
    assert run.body == b"hello"
    assert run.connection.completed == 1
    assert not run.transport.closing
    assert not run.exchange.is_streaming
    run.exchange.abandon()
    assert not run.exchange.is_abandoned


@pytest.mark.parametrize("size", [0, LARGE, LARGE + 1])
async def test_a_large_body_is_not_copied(size: int) -> None:
    run = Run(lambda: b"x" * size)
    await run.task
    assert len(run.body) == size
    assert len(run.transport.writes) == (2 if size > LARGE else 1)


@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_a_stream_is_sent_in_chunks(version: str, caplog: pytest.LogCaptureFixture) -> None:
    """HTTP/1.0 has no chunks, so the end of the connection ends the stream."""
    run = Run(lambda: streaming(b"hello", b"x" * 16), version=version)
    await run.task
    is_new = version == "1.1"
    assert run.body == (b"5\r\nhello\r\n10\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n" if is_new else b"hello" + b"x" * 16)
    assert (b"transfer-encoding: chunked" in run.head) is is_new
    assert (b"connection: close" in run.head) is run.transport.closing is not is_new
    assert run.connection.completed == 1
    assert not caplog.records


async def test_a_stream_of_known_length_has_no_chunks() -> None:
    run = Run(lambda: streaming(b"hel", b"lo", Content_Length="5"))
    await run.task
    assert (run.body, run.connection.completed) == (b"hello", 1)
    assert b"chunked" not in run.head


@pytest.mark.parametrize(("length", "status"), [("4", 200), ("6", 200), ("six", 500)])
async def test_a_stream_with_a_wrong_length_breaks_the_connection(
    length: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The peer must notice: otherwise it would wait for the rest, or take the surplus for the next response."""
    run = Run(lambda: streaming(b"hel", b"lo", Content_Length=length))
    await run.task
    assert run.head.startswith(b"HTTP/1.1 %d " % status)
    assert len(run.transport.written) < len(run.head) + 4 + 6 or status == 500
    assert run.transport.closing
    assert len(caplog.records) == 1


@pytest.mark.parametrize("handler", [lambda: "hello", lambda: streaming(b"hello")])
async def test_head_has_no_body(handler: Callable[[], Any]) -> None:
    run = Run(handler, method="HEAD")
    await run.task
    assert (run.body, run.connection.completed) == (b"", 1)
    assert b"transfer-encoding" not in run.head


@pytest.mark.parametrize("status", [204, 304])
async def test_some_statuses_have_no_content(status: int) -> None:
    run = Run(lambda: Response(b"left out", status))
    await run.task
    assert run.transport.written == b"HTTP/1.1 %d " % status + run.head[13:] + b"\r\n\r\n"
    assert b"content-length" not in run.head


@pytest.mark.parametrize(("value", "closes"), [("close", True), ("x, Close", True), ("closed", False)])
async def test_an_application_can_end_the_connection(value: str, closes: bool) -> None:
    run = Run(lambda: Response("bye", headers={"Connection": value}))
    await run.task
    assert run.head.count(b"connection: ") == 1
    assert run.transport.closing is closes


async def test_a_response_waits_until_the_peer_has_read_earlier_data() -> None:
    run = Run(lambda: "hello")
    run.connection.flow.pause_writing()
    await settled()
    assert not run.transport.writes
    run.connection.flow.resume_writing()
    await run.task
    assert run.body == b"hello"


async def test_each_chunk_of_a_stream_waits_too() -> None:
    run = Run(lambda: streaming(b"one", b"two", then=endless))
    run.connection.flow.pause_writing()
    await settled()
    assert not run.transport.writes
    run.connection.flow.resume_writing()
    run.connection.flow.pause_writing()
    await settled()
    run.exchange.abandon()
    run.connection.flow.resume_writing()
    await run.task
    assert b"one" not in run.transport.written


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_without_a_peer_is_not_written(stream: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A running handler runs to its end; then nothing is written, and the stream is closed."""
    go_on = asyncio.Event()
    events: list[str] = []

    class Source:
        def __aiter__(self) -> Source:
            return self

        async def __anext__(self) -> bytes:
            events.append("read")
            return b"x"

        async def aclose(self) -> None:
            events.append("closed")

    async def answer() -> Any:
        await go_on.wait()
        events.append("answered")
        return Response(Source()) if stream else "answer"

    run = Run(answer)
    await settled()
    run.exchange.abandon()
    go_on.set()
    await run.task
    assert events == (["answered", "closed"] if stream else ["answered"])
    assert not run.transport.writes
    assert not caplog.records


async def test_a_waiting_stream_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        try:
            await endless()
        finally:
            ended.set()

    run = Run(lambda: streaming(b"begun", then=wait))
    await begun.wait()
    assert run.exchange.is_streaming
    assert run.requests == {run.task}
    run.exchange.abandon()
    await run.task
    assert ended.is_set()
    assert not run.requests
    assert not run.connection.completed
    assert not caplog.records


async def test_a_running_handler_continues_but_gets_no_more_of_the_body() -> None:
    events: list[Any] = []

    async def read() -> None:
        try:
            await request.body
        except Exception as error:
            events.append(getattr(error, "status", error))
        await asyncio.sleep(0)
        events.append("done")

    run = Run(read, has_body=True)
    await settled()
    run.exchange.abandon()
    await run.task
    assert events == [400, "done"]


async def test_a_handler_that_has_not_begun_does_not_begin() -> None:
    run = Run(lambda: pytest.fail("it runs"))
    run.exchange.abandon()
    await run.task
    assert not run.transport.writes


@pytest.mark.parametrize("expects", [True, False])
async def test_an_unrequested_body_ends_the_connection(expects: bool) -> None:
    run = Run(lambda: "no", has_body=True, expects=expects)
    await run.task
    assert (b"connection: close" in run.transport.written) is expects
    assert run.transport.closing is expects


async def test_the_rest_of_a_body_is_dropped() -> None:
    run = Run(lambda: "no", has_body=True)
    await run.task
    assert run.feed is not None
    run.feed.put(b"x" * 100_000)
    assert run.transport.reading


@pytest.mark.parametrize("started", [False, True])
async def test_a_handler_past_the_shutdown_deadline_is_cancelled(
    started: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no traceback, and a response if one is still possible."""

    async def answer() -> Any:
        if not started:
            await endless()
        return streaming(b"first", then=endless)

    run = Run(answer)
    await settled()
    run.task.cancel("the server stops")
    await run.task
    assert run.transport.closing
    assert run.transport.written.startswith(b"HTTP/1.1 200" if started else b"HTTP/1.1 503")
    assert [record.getMessage() for record in caplog.records] == ["POST '/' was cancelled: the server stops"]


class Ending(Response):
    """A stream that ends by itself."""

    is_endless = True

    def end_stream(self) -> bool:
        return True


async def test_streams_that_end_by_themselves_are_recognised() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await endless()

    for kind, expected in ((Ending, True), (Response, False)):
        run = Run(lambda kind=kind: kind(body(), content_type="text/event-stream"))  # type: ignore[misc]
        await settled()
        assert run.exchange.is_endless
        assert run.exchange.end_stream() is expected
        # A peer that does not read would not read the end either.
        run.connection.flow.pause_writing()
        assert not run.exchange.end_stream()
        run.task.cancel()
        await settled()


async def test_past_the_shutdown_deadline_a_peer_that_does_not_read_is_dropped() -> None:
    """Earlier responses on this connection still wait, so another response could not be sent."""
    run = Run(endless)
    run.connection.flow.pause_writing()
    await asyncio.sleep(0)
    run.task.cancel("the server stops")
    await settled()
    assert run.task.done()
    assert run.transport.closing
    assert not run.transport.writes


async def test_a_cancellation_by_the_application_itself_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    async def answer() -> None:
        raise asyncio.CancelledError

    run = Run(answer)
    await run.task
    assert run.transport.written.startswith(b"HTTP/1.1 500")
    assert run.transport.closing
    assert [record.getMessage() for record in caplog.records] == ["the response to POST '/' failed"]


@pytest.mark.parametrize("error", [LookupError, ConnectionResetError])
async def test_a_failed_stream_is_cut(error: type[Exception], caplog: pytest.LogCaptureFixture) -> None:
    """This includes a reset of another connection of the stream, because the peer is still there."""

    async def fail() -> None:
        raise error("a fault")

    run = Run(lambda: streaming(b"half", then=fail))
    await run.task
    assert run.body == b"4\r\nhalf\r\n"
    assert run.transport.closing
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [error]


@pytest.mark.parametrize(
    ("content_type", "is_endless"),
    [("text/event-stream", True), ("text/event-stream; charset=utf-8", True), ("text/html", False)],
)
async def test_a_stream_of_events_is_ended_by_the_server(content_type: str, is_endless: bool) -> None:
    run = Run(lambda: streaming(b"first", then=endless, Content_Type=content_type))
    assert not run.exchange.is_endless
    await settled()
    assert run.exchange.is_endless is is_endless
    run.exchange.abandon()
    await run.task


async def test_a_stream_of_events_may_end_by_itself() -> None:
    run = Run(lambda: streaming(b"last", Content_Type="text/event-stream"))
    await run.task
    assert not run.exchange.is_endless
