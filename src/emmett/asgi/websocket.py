"""Websockets over ASGI: the server's own implementation carries the messages, with the same guarantees."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ..config import WebsocketSettings
from ..datastructures import Headers
from ..dispatch import RouteTable, describe_refusal, find_websocket, run_websocket
from ..dispatch.websocket_watch import WebsocketWatch
from ..errors import RequestError, UsageError, WebsocketClosed
from ..logs import format_client, log_fields
from ..websockets.calling import check_caller
from ..websockets.connection import Data, MessageBatch
from ..websockets.inbox import Inbox
from ..websockets.websocket import Websocket
from ..wire.close import CloseCode
from ..wire.fields import HeaderFields
from ..wire.handshake import check_accept, check_refusal
from .eager import Rest, begin
from .http import client_of, path_of
from .line import Line, Ticket
from .observed import WebsocketMeter, make_meter
from .patience import Patience
from .types import ASGIMessage, ASGIReceive, ASGIScope, ASGISend

logger = logging.getLogger("emmett.websocket")

DENIAL = "websocket.http.response"
# The limit in bytes for messages received while the inbox is full, so that the end of the connection is seen even if
# the handler takes none. Also the cost of a message besides its own bytes.
READ_AHEAD = 64 * 1024
MESSAGE_COST = 64
# Servers that implement this version of the specification, such as uvicorn, report a Close frame with its reason, even
# an empty one, and a connection that broke with the code 1005 and no reason. Others never report a reason.
REPORTS_REASONS = (2, 4)
# Seconds for which the server is not asked for the next message while it has not taken one.
SENDING_FIRST = 0.1


async def serve_websocket(
    table: RouteTable, scope: ASGIScope, receive: ASGIReceive, send: ASGISend, refusal: RequestError | None = None
) -> None:
    """Serve one websocket.

    Arguments:
        table: the routes of the application.
        scope, receive, send: the arguments of ASGI 3.
        refusal: why the handshake is refused before its route is known; None if it is not.
    """
    meter = make_meter(table.observers, scope, receive, send)
    if meter is None:
        await _serve(table, scope, receive, send, refusal, None)
        return
    try:
        await _serve(table, scope, meter.receive, meter.send, refusal, meter)
    finally:
        meter.tell_ended()


async def _serve(
    table: RouteTable,
    scope: ASGIScope,
    receive: ASGIReceive,
    send: ASGISend,
    refusal: RequestError | None,
    meter: WebsocketMeter | None,
) -> None:
    await receive()  # websocket.connect
    path = path_of(scope)
    headers = Headers(scope["headers"])
    scheme = scope.get("scheme", "ws")
    try:
        if refusal is not None:
            raise refusal
        route, arguments = find_websocket(table, scheme=scheme, path=path, headers=headers)
    except RequestError as error:
        await ASGIConnection(scope, receive, send, table.config.websocket).refuse(*describe_refusal(error))
        return
    connection = ASGIConnection(scope, receive, send, route.settings, meter)
    websocket = Websocket(
        scheme=scheme,
        path=path,
        query_string=scope.get("query_string", b""),
        headers=headers,
        client=client_of(scope),
        subprotocols=tuple(scope.get("subprotocols", ())),
        connection=connection,
        inbox=connection.inbox,
    )
    if meter is not None:
        meter.route, meter.websocket = route.name, websocket
        websocket.number = meter.number
    await connection.run(websocket, run_websocket(route, websocket, arguments, table.observers))


class ASGIConnection:
    """The port of `websockets.connection` over ASGI.

    Arguments:
        scope, receive, send: the arguments of ASGI 3; `websocket.connect` has been received.
        settings: limits and deadlines.
        meter: reports the events of the connection; None if nobody observes it.
    """

    def __init__(
        self,
        scope: ASGIScope,
        receive: ASGIReceive,
        send: ASGISend,
        settings: WebsocketSettings,
        meter: WebsocketMeter | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._asgi_send = send
        self._settings = settings
        self._meter = meter
        self._subprotocols = tuple(scope.get("subprotocols", ()))
        self._can_deny = DENIAL in scope.get("extensions", {})
        self._reports_reasons = _version_of(scope) >= REPORTS_REASONS
        self.inbox = Inbox(self._loop, self)
        # Bytes received since the inbox was last empty.
        self._taken = 0
        # Messages received while the inbox was full, with their sizes.
        self._ahead: list[str | bytes] = []
        self._ahead_size = 0
        # The future that the pump waits for while the read-ahead is full as well.
        self._room: asyncio.Future[None] | None = None
        # ASGI does not allow two tasks to call `send` at once; the line also keeps their order.
        self._sending = Line(self._loop)
        self._patience = Patience(self._loop, settings.send_timeout)
        # Whether the server made the last message wait.
        self._sends_wait = False
        self._answered = False
        self._background: set[asyncio.Future[None]] = set()
        # Bytes of messages sent without waiting that the server has not taken yet.
        self._unsent = 0
        # Why nothing more can be sent; None while sending is possible.
        self._closed: WebsocketClosed | None = None
        self._websocket: Websocket | None = None
        self._handler: asyncio.Task[None] | None = None
        self._pump: asyncio.Task[None] | None = None
        self._watch = WebsocketWatch(settings)
        self._watch.expect_answer(self._loop.time())
        self._timer: asyncio.TimerHandle | None = None

    @property
    def writer(self) -> ASGIConnection:
        """See `Connection.writer`."""
        return self

    @property
    def unsent(self) -> int:
        """See `Connection.unsent`."""
        return self._unsent

    async def run(self, websocket: Websocket, handling: Awaitable[None]) -> None:
        """Run the handler to its end. Cancel it if it does not answer the handshake in time, or `disconnect_grace`
        seconds after the peer has left.
        """
        self._websocket = websocket
        self._handler = asyncio.ensure_future(handling)
        self._plan_look()
        try:
            await asyncio.wait((self._handler,))
            if self._background:
                await asyncio.wait(self._background)
        except asyncio.CancelledError:
            self._handler.cancel()
            await asyncio.wait((self._handler,))
            raise
        finally:
            self._watch.expect_nothing()
            self._plan_look()
            if self._pump is not None:
                self._pump.cancel()
            self._websocket = None
            self._patience.stop()
        if not self._handler.cancelled():
            self._handler.result()

    async def accept(self, headers: HeaderFields | None, subprotocol: str | None) -> None:
        """See `Connection.accept`."""
        async with self._sending.join():
            if self._answered:
                self._check_open()
                return
            fields = check_accept(self._subprotocols, subprotocol, headers or {})
            await self._send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": fields})
            self._answered = True
            self._watch.expect_nothing()
            self._plan_look()
            if self._websocket is not None:
                self._websocket.mark_accepted(subprotocol)
            if self._meter is not None:
                self._meter.tell_opened(subprotocol)
            self._pump = asyncio.ensure_future(self._fill_inbox())

    async def refuse(self, status: int, body: str | bytes, headers: HeaderFields) -> None:
        """See `Connection.refuse`. Servers without denial responses answer 403 whatever the status."""
        content = body.encode() if isinstance(body, str) else body
        fields = check_refusal(status, headers)
        async with self._sending.join():
            if self._answered:
                return
            self._answered = True
            self._end(CloseCode.ABNORMAL, "")
            if not self._can_deny:
                await self._send({"type": "websocket.close", "code": int(CloseCode.NORMAL)})
                return
            fields.append((b"content-length", b"%d" % len(content)))
            await self._send({"type": f"{DENIAL}.start", "status": status, "headers": fields})
            await self._send({"type": f"{DENIAL}.body", "body": content})
            if self._reports_reasons:
                await self._wait_until_refused()

    def write(self, message: Data, more: bool) -> Awaitable[None] | None:
        """See `Connection.write`."""
        if self._closed is None and type(message) is str:
            event: ASGIMessage = {"type": "websocket.send", "text": message}
        else:
            event = self._event_of(message)
        if not self._sending.is_empty:
            return self._write(event)
        # Most servers take a message without waiting, which needs neither a turn nor a deadline: half of the cost.
        try:
            sending = begin(self._asgi_send(event))
        except OSError:
            raise self._lost() from None
        if sending is None:
            self._sends_wait = False
            return None
        self._sends_wait = True
        return self._finish(sending)

    def write_now(self, message: Data) -> None:
        """See `Connection.write_now`. A message that the server has not taken yet counts as unread by the peer."""
        check_caller(self._loop, "send_nowait")
        event = self._event_of(message)
        size = len(message.encode()) if isinstance(message, str) else len(event["bytes"])
        if self._unsent + size > self._settings.write_limit:
            self._tell_slow(f"it has not taken {self._settings.write_limit} bytes", "write_limit")
            self._end(CloseCode.ABNORMAL, "the peer does not keep up")
            raise WebsocketClosed(CloseCode.ABNORMAL, "the peer does not keep up")
        self._unsent += size
        # The task begins later; messages sent meanwhile must not overtake this one.
        place = self._sending.join()
        task = self._in_background(self._write_later(event, place, size))

        def done(task: asyncio.Future[None]) -> None:
            place.leave()
            if not task.cancelled():
                task.exception()

        task.add_done_callback(done)

    def write_batch(self, batch: MessageBatch) -> bool | None:
        """See `Connection.write_batch`."""
        self._check_open()
        return None

    def when_ready(self, callback: Callable[[], None], waiting: Callable[[], int] | None = None) -> None:
        """See `Connection.when_ready`."""
        raise UsageError("over ASGI, batches are written one message after another")

    async def ping(self) -> float:
        """See `Connection.ping`."""
        raise UsageError("ASGI has no pings; run the application on emmett's own server to use websocket.ping()")

    def close(self, code: int, reason: str) -> Awaitable[None] | None:
        """See `Connection.close`."""
        if self._closed is not None:
            return None
        self._closed = WebsocketClosed(code, reason)
        # In a separate task: any task may close, and the end of the handler must not end the connection first.
        return asyncio.shield(self._in_background(self._close(code, reason)))

    def log(self, level: int, message: str, *values: object) -> None:
        """See `Watched.log`."""
        websocket = self._websocket
        path = "" if websocket is None else websocket.path
        client = None if websocket is None else websocket.client
        fields = log_fields(client=client, path=path or None)
        logger.log(level, "websocket from %s, %r: " + message, format_client(client), path, *values, extra=fields)

    def give_up_handshake(self) -> None:
        """See `Watched.give_up_handshake`."""
        _ = self._in_background(self.refuse(503, "", {}))
        self.cancel_handler()

    def cancel_handler(self) -> None:
        """See `Watched.cancel_handler`."""
        if self._handler is not None:
            self._handler.cancel()

    def drop(self, reason: str, seconds: float) -> None:
        """See `Watched.drop`. ASGI cannot abort a connection, so its application ends."""
        self.log(logging.INFO, "dropped: " + reason, seconds)
        self._end(CloseCode.ABNORMAL, "")

    async def _wait_until_refused(self) -> None:
        """Wait until the server has closed a connection that was refused. uvicorn logs an error if the application ends
        before that. It reports its own end of the connection first, and then that the peer has closed.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.close_timeout):
                await self._receive()
                await self._receive()

    def _tell_slow(self, reason: str, cause: str) -> None:
        if self._meter is not None:
            self._meter.tell_slow(reason, cause)

    async def _close(self, code: int, reason: str) -> None:
        await self._stop_pump()
        # The peer may have closed first.
        with contextlib.suppress(WebsocketClosed):
            await self._write({"type": "websocket.close", "code": code, "reason": reason})

    def _event_of(self, message: Data) -> ASGIMessage:
        self._check_open()
        if isinstance(message, str):
            return {"type": "websocket.send", "text": message}
        if isinstance(message, (bytes, bytearray, memoryview)):
            return {"type": "websocket.send", "bytes": bytes(message)}
        raise TypeError(f"a message is str or bytes-like, not {type(message).__name__}; send_json() sends data as JSON")

    async def _write(self, event: ASGIMessage, place: Ticket | None = None) -> None:
        async with place or self._sending.join():
            await self._send_in_time(self._asgi_send(event))

    async def _finish(self, sending: Rest) -> None:
        """Wait until the server has taken a message, whose sending has begun while the line was empty."""
        place = self._sending.join()
        try:
            await self._send_in_time(sending)
        finally:
            place.leave()

    async def _send_in_time(self, sending: Awaitable[object]) -> None:
        try:
            if await self._patience.wait(sending):
                return
        except OSError:
            raise self._lost() from None
        self._tell_slow(f"it did not read for {self._settings.send_timeout:g} s", "send_timeout")
        self.log(logging.WARNING, "the peer did not read for %g s", self._settings.send_timeout)
        self._end(CloseCode.ABNORMAL, "")
        raise WebsocketClosed(CloseCode.ABNORMAL)

    async def _write_later(self, event: ASGIMessage, place: Ticket, size: int) -> None:
        try:
            await self._write(event, place)
        finally:
            self._unsent -= size

    async def _send(self, event: ASGIMessage) -> None:
        try:
            await self._asgi_send(event)
        except OSError:
            raise self._lost() from None

    def _lost(self) -> WebsocketClosed:
        """Return the error for an OSError of `send`, with which ASGI servers report that the peer has left."""
        self._end(CloseCode.ABNORMAL, "")
        return WebsocketClosed(CloseCode.ABNORMAL)

    async def _fill_inbox(self) -> None:
        """Move messages from the server to the inbox, as fast as the handler takes them."""
        while True:
            event = await self._receive()
            if event["type"] != "websocket.receive":
                code, reason = event.get("code") or CloseCode.NO_STATUS, event.get("reason")
                if self._reports_reasons and code == CloseCode.NO_STATUS and reason is None:
                    code = CloseCode.ABNORMAL
                self._end(code, reason or "")
                return
            text = event.get("text")
            message: str | bytes = event["bytes"] if text is None else text
            # As `_size_of`, whose call costs as much as its work.
            size = len(message) if text is None or text.isascii() else len(text.encode())
            if size > self._settings.max_message_size:
                self._refuse_message()
                return
            if not self.inbox.messages and not self._ahead:
                self._taken = size
                self.inbox.messages.append(message)
            elif self._ahead or not self._put(message, size):
                self._ahead.append(message)
                self._ahead_size += size + MESSAGE_COST
                self.inbox.held_back = True
                if self._ahead_size >= READ_AHEAD:
                    self._room = self._loop.create_future()
                    await self._room
            self.inbox.wake()
            if self._sends_wait:
                # The handler is woken already, so its answer comes first. With a pending `receive`, Granian 2.8
                # takes 82,000 instructions more for each message sent.
                await asyncio.sleep(0)
                await self._sending.wait_moved(SENDING_FIRST)

    def _put(self, message: str | bytes, size: int) -> bool:
        """Put a message into the inbox if it has room."""
        messages = self.inbox.messages
        if not messages:
            self._taken = 0
        elif len(messages) >= self._settings.inbox_messages or self._taken >= self._settings.inbox_bytes:
            return False
        self._taken += size
        messages.append(message)
        return True

    def refill(self) -> None:
        """Refill the empty inbox with the messages read ahead."""
        taken = 0
        for message in self._ahead:
            size = _size_of(message)
            if not self._put(message, size):
                break
            self._ahead_size -= size + MESSAGE_COST
            taken += 1
        del self._ahead[:taken]
        self.inbox.held_back = bool(self._ahead)
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def on_unclaimed(self) -> None:
        """See `InboxOwner.on_unclaimed`. Nothing is to be done, because all that is held is counted in `_put`."""

    def _refuse_message(self) -> None:
        reason = f"message over {self._settings.max_message_size} bytes"
        _ = self._in_background(self._close(CloseCode.MESSAGE_TOO_BIG, reason))
        self._end(CloseCode.MESSAGE_TOO_BIG, reason)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine in a task that the end of the connection waits for."""
        task = self._loop.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _stop_pump(self) -> None:
        """Stop receiving messages: on some servers, a pending `receive` keeps `send` from closing."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait((self._pump,))

    def _check_open(self) -> None:
        if self._closed is not None:
            raise WebsocketClosed(self._closed.code, self._closed.reason)

    def _end(self, code: int, reason: str) -> None:
        """End the connection: notify the application, and give its handler time to end."""
        if self._closed is None:
            self._closed = WebsocketClosed(code, reason)
        if self._websocket is not None:
            self._websocket.end(code, reason)
        if self._handler is not None and not self._handler.done():
            self._watch.expect_end(self._loop.time())
            self._plan_look()

    def _plan_look(self) -> None:
        """Schedule a check of the deadline for when it passes."""
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._watch.deadline
        self._timer = None if deadline is None else self._loop.call_at(deadline.at, self._look)

    def _look(self) -> None:
        self._watch.look(self._loop.time(), self)
        self._plan_look()


def _version_of(scope: ASGIScope) -> tuple[int, ...]:
    """Return the version of the specification that the server implements."""
    parts: list[str] = scope["asgi"].get("spec_version", "2.0").split(".")
    return tuple(int(part) for part in parts if part.isdecimal())


def _size_of(message: str | bytes) -> int:
    """Return the size of a message on the wire in bytes."""
    return len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())
