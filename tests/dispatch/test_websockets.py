"""The end of a flow, and its effect on the connection (docs/design.md, "What a connection promises")."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emmett import App, HTTPException, WebsocketClosed, abort, redirect, request, response, session, url, websocket
from emmett.ctx import current_session, enter_request
from emmett.datastructures import Headers, sdict
from emmett.dispatch import run_websocket
from emmett.dispatch.websockets import find_websocket
from emmett.errors import HandshakeError, MessageError, RequestError, UsageError
from emmett.http.response import Response
from tests.http.builders import make_request
from tests.websockets.memory_connection import MemoryConnection, turns

Handler = Callable[..., Awaitable[Any]]


async def run(
    handler: Handler, connection: MemoryConnection, path: str = "/", arguments: dict[str, Any] | None = None
) -> None:
    """Run a handler for a connection, as a server would."""
    app = App(__name__)
    app.websocket(path)(handler)
    match = app.table.websockets.match(connection.websocket.path, scheme="ws", host="localhost")
    assert match.endpoint is not None
    await run_websocket(match.endpoint, connection.websocket, match.arguments)


def raising(error: BaseException) -> Handler:
    async def fails() -> None:
        raise error

    return fails


def aborting(status: int, *arguments: Any) -> Handler:
    async def aborts() -> None:
        abort(status, *arguments)

    return aborts


def group(*errors: Exception) -> ExceptionGroup[Exception]:
    return ExceptionGroup("several", errors)


async def nothing() -> str:
    return "a result that nobody gets"


async def redirecting() -> None:
    redirect("/login")


REFUSED = [
    (nothing, (403, "", {})),
    (aborting(402), (402, "", {})),
    (aborting(403, "members only", {"X-Reason": "age"}), (403, "members only", {"X-Reason": "age"})),
    (aborting(503, b"bytes"), (503, b"bytes", {})),
    (redirecting, (303, "", {"Location": "/login"})),
    (raising(group(HTTPException(401))), (401, "", {})),
    (raising(group(group(HTTPException(401)), HTTPException(402))), (401, "", {})),
]
FAILED = [
    LookupError("secret"),
    UsageError("secret"),
    RequestError(400, "secret"),
    # No message was received yet, so the peer did not cause this error.
    MessageError(1003, "secret"),
    # This reports the end of another connection, as this one is open.
    WebsocketClosed(1000),
    group(LookupError("secret")),
    group(HTTPException(401), LookupError("secret")),
    group(WebsocketClosed(1000)),
]
# A handshake cannot be refused with these statuses.
IMPOSSIBLE = [HTTPException(200), HTTPException(101)]


@pytest.mark.parametrize(("handler", "refusal"), REFUSED)
async def test_these_handlers_refuse_the_handshake(
    handler: Handler, refusal: tuple[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    connection = MemoryConnection()
    await run(handler, connection)
    assert connection.events == [("refuse", *refusal)]
    assert not caplog.records


@pytest.mark.parametrize("error", [*FAILED, *IMPOSSIBLE], ids=repr)
async def test_a_failure_before_accepting_is_500_without_detail(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    connection = MemoryConnection()
    await run(raising(error), connection)
    assert connection.events == [("refuse", 500, "", {})]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert caplog.records[0].exc_info


CLOSED = [
    (nothing, 1000, ""),
    (redirecting, 1000, ""),
    (aborting(400), 1008, ""),
    (aborting(404, "a body that nobody gets"), 1008, ""),
    (aborting(499), 1008, ""),
    (aborting(500), 1011, ""),
    (aborting(503), 1011, ""),
    (raising(MessageError(1003, "expected a text message")), 1003, "expected a text message"),
    (raising(MessageError(1007, "expected a message in JSON")), 1007, "expected a message in JSON"),
    (raising(group(MessageError(1003, "why"))), 1003, "why"),
    (raising(group(group(HTTPException(403)))), 1008, ""),
    (raising(group(HTTPException(500), HTTPException(403))), 1011, ""),
]


@pytest.mark.parametrize(("handler", "code", "reason"), CLOSED)
async def test_these_handlers_close_the_connection(
    handler: Handler, code: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = MemoryConnection(accepted=True)
    await run(handler, connection)
    assert connection.events == [("close", code, reason)]
    assert (connection.websocket.close_code, connection.websocket.close_reason) == (code, reason)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("error", [error for error in FAILED if not isinstance(error, MessageError)], ids=repr)
async def test_a_failure_after_accepting_is_1011_without_detail(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    connection = MemoryConnection(accepted=True)
    await run(raising(error), connection)
    assert connection.events == [("close", 1011, "")]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert caplog.records[0].exc_info
    assert "fails: the handler failed on '/'" in caplog.text


QUIET = [
    WebsocketClosed(1001),
    WebsocketClosed(1006),
    group(WebsocketClosed(1001), group(WebsocketClosed(1001))),
    group(WebsocketClosed(1001), MessageError(1003, "no text")),
    group(WebsocketClosed(1001), HTTPException(403)),
    BaseExceptionGroup("several", [WebsocketClosed(1001)]),
    HTTPException(403),
    MessageError(1003, "no text"),
]


@pytest.mark.parametrize("error", QUIET, ids=repr)
async def test_a_peer_that_has_left_ends_the_handler_quietly(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    connection = MemoryConnection(accepted=True)

    async def learns() -> None:
        connection.leave(1001)
        raise error

    await run(learns, connection)
    assert connection.events == []
    assert not caplog.records


@pytest.mark.parametrize("error", [LookupError("x"), group(WebsocketClosed(1001), LookupError("x"))], ids=repr)
async def test_a_failure_is_logged_even_if_the_peer_has_left(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    connection = MemoryConnection(accepted=True)

    async def fails() -> None:
        connection.leave(1001)
        raise error

    await run(fails, connection)
    assert connection.events == []
    assert len(caplog.records) == 1


async def test_the_end_of_another_connection_does_not_end_this_one(caplog: pytest.LogCaptureFixture) -> None:
    other = MemoryConnection(accepted=True)
    other.leave(1001)
    connection = MemoryConnection(accepted=True)

    async def tells_the_other() -> None:
        await other.websocket.send("are you there?")

    await run(tells_the_other, connection)
    assert connection.events == [("close", 1011, "")]
    assert "websocket closed with code 1001" in caplog.text


async def test_a_task_group_may_end_with_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    connection = MemoryConnection(accepted=True)
    cancelled: list[str] = []

    async def talks() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listen())
            tasks.create_task(wait())

    async def listen() -> None:
        while True:
            await websocket.receive()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("wait")
            raise

    running = asyncio.create_task(run(talks, connection))
    await turns()
    connection.leave(1001)
    await running
    assert cancelled == ["wait"]
    assert not caplog.records


@pytest.mark.parametrize(("accepted", "events"), [(False, [("refuse", 503, "", {})]), (True, [("close", 1011, "")])])
async def test_a_cancelled_handler_closes_the_connection(
    accepted: bool, events: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    connection = MemoryConnection(accepted=accepted)

    async def waits() -> None:
        await asyncio.Event().wait()

    running = asyncio.create_task(run(waits, connection))
    await turns()
    running.cancel()
    await running
    assert connection.events == events
    assert not caplog.records


async def test_a_handler_cancelled_after_the_end_changes_nothing() -> None:
    connection = MemoryConnection(accepted=True)

    async def waits() -> None:
        await asyncio.Event().wait()

    running = asyncio.create_task(run(waits, connection))
    await turns()
    connection.leave(1006)
    running.cancel()
    await running
    assert connection.events == []


@pytest.mark.parametrize("error", [SystemExit(3), BaseExceptionGroup("several", [SystemExit(3)])])
@pytest.mark.parametrize(("accepted", "event"), [(False, ("refuse", 500, "", {})), (True, ("close", 1011, ""))])
async def test_system_exit_is_a_failure_of_this_handler_only(
    error: BaseException, accepted: bool, event: tuple[object, ...], caplog: pytest.LogCaptureFixture
) -> None:
    connection = MemoryConnection(accepted=accepted)
    await run(raising(error), connection)
    assert connection.events == [event]
    assert "the handler failed on '/'" in caplog.text


class Stop(BaseException):
    """Like KeyboardInterrupt, which would end the test run."""


async def test_a_base_exception_ends_the_connection_and_is_raised() -> None:
    for accepted, events in ((False, [("refuse", 500, "", {})]), (True, [("close", 1011, "")])):
        connection = MemoryConnection(accepted=accepted)
        with pytest.raises(Stop):
            await run(raising(Stop()), connection)
        assert connection.events == events
        connection = MemoryConnection(accepted=accepted)
        with pytest.raises(BaseExceptionGroup):
            await run(raising(BaseExceptionGroup("several", [Stop(), WebsocketClosed(1000)])), connection)
        assert connection.events == events


async def test_the_close_frame_comes_after_sent_messages() -> None:
    connection = MemoryConnection(accepted=True)
    connection.reads.clear()
    sending: list[asyncio.Task[None]] = []

    async def leaves_a_message() -> None:
        sending.append(asyncio.create_task(websocket.connection.send("last words")))
        await turns()

    running = asyncio.create_task(run(leaves_a_message, connection))
    await turns(20)
    assert not running.done()
    connection.reads.set()
    await running
    await sending[0]
    assert connection.events == [("send", "last words"), ("close", 1000, "")]


async def test_a_peer_may_leave_before_the_close_frame_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    connection = MemoryConnection(accepted=True)

    def close(code: int, reason: str) -> Awaitable[None]:
        async def fail() -> None:
            raise WebsocketClosed(1006)

        return fail()

    connection.close = close  # type: ignore[method-assign]
    await run(nothing, connection)
    assert not caplog.records


async def test_a_connection_closed_by_its_handler_is_not_closed_again() -> None:
    connection = MemoryConnection()

    async def closes() -> None:
        await websocket.accept()
        await websocket.close(4000, "enough")

    await run(closes, connection)
    assert connection.events == [("accept", {}, None), ("close", 4000, "enough")]


async def test_a_handler_runs_in_its_own_context() -> None:
    connection = MemoryConnection(path="/rooms/7")
    seen: list[Any] = []

    async def room(number: int) -> None:
        seen.append((number, websocket.path, url.ws("room", number)))
        assert websocket.connection is connection.websocket
        for handle in (request, response, session):
            with pytest.raises(UsageError):
                _ = handle.headers

    # As in the task of a request before the upgrade, on the same connection.
    enter_request(make_request(), Response())
    current_session.set(sdict(user="somebody else"))
    await run(room, connection, "/rooms/<int:number>")
    assert seen == [(7, "/rooms/7", "/rooms/7")]
    assert connection.events == [("refuse", 403, "", {})]


@pytest.mark.parametrize(("scheme", "request_scheme"), [("ws", "http"), ("wss", "https")])
def test_a_handshake_to_a_path_for_requests_is_404_with_an_explanation(scheme: str, request_scheme: str) -> None:
    app = App(__name__)
    app.route("/page", methods="post")(lambda: "page")
    with pytest.raises(HandshakeError, match=f"for requests, not for websockets: use {request_scheme}://") as error:
        find_websocket(app.table, scheme=scheme, path="/page", headers=Headers())
    assert error.value.status == 404
    with pytest.raises(HandshakeError, match="Not Found"):
        find_websocket(app.table, scheme=scheme, path="/nowhere", headers=Headers())
