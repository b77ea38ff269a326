"""One request and its response, on the side of the application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from emmett.server.exchange import Exchange
from tests.websockets.memory_transport import MemoryTransport

START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


class Run:
    """An application that answers one request.

    Attributes:
        exchange: what is tested.
        transport: where the response goes.
        task: uvicorn's task.
    """

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]], *, expects: bool = False) -> None:
        self.transport = MemoryTransport()
        cycle = RequestResponseCycle(
            scope={"method": "POST", "path": "/", "type": "http"},  # type: ignore[typeddict-item]
            transport=self.transport,
            flow=FlowControl(self.transport),
            logger=logging.getLogger("uvicorn.error"),
            access_logger=logging.getLogger("uvicorn.access"),
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=expects,
            keep_alive=True,
            on_response=lambda: None,
        )
        self.exchange = Exchange(cycle, app)
        self.task = asyncio.ensure_future(cycle.run_asgi(self.exchange.run))


async def test_a_response_passes(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(part(b"hello", more=False))

    run = Run(app)
    await run.task
    assert run.transport.written.endswith(b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    assert not run.exchange.is_streaming
    run.exchange.abandon()
    assert not run.exchange.cycle.disconnected
    assert not caplog.records


async def test_a_stream_learns_that_nobody_is_there() -> None:
    told: list[type[BaseException]] = []
    go_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        try:
            await send(START)
        except OSError as error:
            told.append(type(error))

    run = Run(app)
    await asyncio.sleep(0)
    run.exchange.abandon()
    go_on.set()
    await run.task
    assert told == [ConnectionResetError]
    assert not run.transport.writes


async def test_a_stream_that_waits_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(part(b"begun"))
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    run = Run(app)
    await begun.wait()
    assert run.exchange.is_streaming
    run.exchange.abandon()
    await run.task
    assert ended.is_set()
    assert not caplog.records


async def test_a_handler_at_work_runs_on_and_gets_no_more_of_the_body() -> None:
    events: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        events.append((await receive())["type"])
        await asyncio.sleep(0)
        events.append("done")

    run = Run(app)
    await asyncio.sleep(0)
    run.exchange.abandon()
    await run.task
    assert events == ["http.disconnect", "done"]


async def test_one_that_has_not_begun_does_not_begin() -> None:
    # A failure in it would be taken for one of the application.
    begun: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        begun.append(scope["path"])

    run = Run(app)
    run.exchange.abandon()
    await run.task
    assert not begun
    assert not run.transport.writes


@pytest.mark.parametrize("expects", [True, False])
async def test_a_body_that_was_not_asked_for_ends_the_connection(expects: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(part(b"no", more=False))

    run = Run(app, expects=expects)
    await run.task
    assert (b"connection: close" in run.transport.written) is expects
    assert run.transport.closing is expects


@pytest.mark.parametrize("started", [False, True])
async def test_a_server_that_waits_no_longer(started: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that does not end in time is cancelled: no traceback, and an answer where there can be one."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if started:
            await send(START)
            await send(part(b"first"))
        await asyncio.get_running_loop().create_future()

    run = Run(app)
    await asyncio.sleep(0)
    run.task.cancel("the server stops")
    await run.task
    assert run.transport.closing
    assert run.transport.written.startswith(b"HTTP/1.1 200" if started else b"HTTP/1.1 503")
    assert [record.getMessage() for record in caplog.records] == ["POST '/' was cancelled: the server stops"]


async def test_a_server_that_waits_no_longer_for_a_peer_that_reads_nothing() -> None:
    """What was answered before on this connection still waits: an answer would have to wait behind it."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.get_running_loop().create_future()

    run = Run(app)
    run.exchange.cycle.flow.pause_writing()
    await asyncio.sleep(0)
    run.task.cancel("the server stops")
    for _ in range(10):
        await asyncio.sleep(0)
    assert run.task.done()
    assert run.transport.closing
    assert not run.transport.writes


async def test_a_cancellation_of_the_application_itself(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    run = Run(app)
    await run.task
    assert run.transport.written.startswith(b"HTTP/1.1 500")


@pytest.mark.parametrize(
    ("content_type", "endless"),
    [(b"text/event-stream", True), (b"text/event-stream; charset=utf-8", True), (b"text/html", False)],
)
async def test_a_stream_of_events_has_no_end_of_its_own(content_type: bytes, endless: bool) -> None:
    begun = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": [(b"content-type", content_type)]})
        await send(part(b"first"))
        begun.set()
        await asyncio.get_running_loop().create_future()

    run = Run(app)
    assert not run.exchange.is_endless
    await begun.wait()
    assert run.exchange.is_endless is endless
    run.exchange.abandon()
    await run.task


async def test_a_stream_of_events_that_has_ended() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": [(b"content-type", b"text/event-stream")]})
        await send(part(b"last", more=False))

    run = Run(app)
    await run.task
    assert not run.exchange.is_endless
