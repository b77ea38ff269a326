"""Websockets over ASGI: the server's own implementation carries the messages, the promises are ours all the same."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from ..config import WebsocketSettings
from ..datastructures import Headers
from ..dispatch import RouteTable, run_websocket
from ..errors import UsageError, WebsocketClosed
from ..websockets.connection import Data, MessageBatch
from ..websockets.inbox import Inbox
from ..websockets.websocket import Websocket
from ..wire.fields import HeaderFields
from ..wire.handshake import check_accept, check_refusal
from .http import client_of, path_of
from .line import Line, Place
from .types import ASGIMessage, ASGIReceive, ASGIScope, ASGISend

logger = logging.getLogger("emmett.websocket")

BROKEN = 1006
TOO_BIG = 1009
DENIAL = "websocket.http.response"


async def serve_websocket(table: RouteTable, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
    """Serve one websocket.

    Arguments:
        table: the routes of the application.
        scope, receive, send: as ASGI 3 gives them.
    """
    await receive()  # websocket.connect
    path = path_of(scope)
    headers = Headers(scope["headers"])
    scheme = scope.get("scheme", "ws")
    match = table.websockets.match(path, scheme=scheme, host=headers.get("host", ""))
    settings = match.endpoint.settings if match.endpoint is not None else table.config.websocket
    connection = ASGIConnection(scope, receive, send, settings)
    if match.endpoint is None:
        await connection.refuse(404, "Not Found", {})
        return
    origin = headers.get("origin")
    refusal = match.endpoint.refuse_origin(origin, scheme=scheme, host=headers.get("host", ""))
    if refusal is not None:
        await connection.refuse(403, refusal, {"content-type": "text/plain; charset=utf-8"})
        return
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
    await connection.run(websocket, run_websocket(match.endpoint, websocket, connection, match.arguments))


class ASGIConnection:
    """The port of `websockets.connection` over ASGI.

    Arguments:
        scope, receive, send: as ASGI 3 gives them; `websocket.connect` was received.
        settings: limits and deadlines.
    """

    def __init__(self, scope: ASGIScope, receive: ASGIReceive, send: ASGISend, settings: WebsocketSettings) -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._asgi_send = send
        self._settings = settings
        self._subprotocols = tuple(scope.get("subprotocols", ()))
        self._can_deny = DENIAL in scope.get("extensions", {})
        self.inbox = Inbox(self._loop, self._make_room)
        # Bytes received since the inbox was last empty.
        self._taken = 0
        # What the pump waits for while the inbox is full.
        self._room: asyncio.Future[None] | None = None
        # ASGI does not say that `send` may be called by two tasks at once; the line also keeps their order.
        self._sending = Line(self._loop)
        self._answered = False
        self._background: set[asyncio.Future[None]] = set()
        # Bytes of messages that were sent without waiting and that the server has not taken yet.
        self._unsent = 0
        # Why no more can be sent; None while it can.
        self._closed: WebsocketClosed | None = None
        self._websocket: Websocket | None = None
        self._handler: asyncio.Task[None] | None = None
        self._pump: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, websocket: Websocket, handling: Awaitable[None]) -> None:
        """Run the handler to its end; it is cancelled when it does not answer the handshake in time, and
        `disconnect_grace` seconds after the peer has gone.
        """
        self._websocket = websocket
        self._handler = asyncio.ensure_future(handling)
        self._timer = self._loop.call_later(self._settings.accept_timeout, self._handler.cancel)
        try:
            await asyncio.wait((self._handler,))
            if self._background:
                await asyncio.wait(self._background)
        except asyncio.CancelledError:
            self._handler.cancel()
            await asyncio.wait((self._handler,))
            raise
        finally:
            self._timer.cancel()
            if self._pump is not None:
                self._pump.cancel()
            self._websocket = None
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
            if self._timer is not None:
                self._timer.cancel()
            if self._websocket is not None:
                self._websocket.mark_accepted(subprotocol)
            self._pump = asyncio.ensure_future(self._fill_inbox())

    async def refuse(self, status: int, body: str | bytes, headers: HeaderFields) -> None:
        """See `Connection.refuse`. Servers without denial responses answer 403 whatever the status."""
        content = body.encode() if isinstance(body, str) else body
        fields = check_refusal(status, headers)
        async with self._sending.join():
            if self._answered:
                return
            self._answered = True
            self._end(BROKEN, "")
            if not self._can_deny:
                await self._send({"type": "websocket.close", "code": 1000})
                return
            fields.append((b"content-length", b"%d" % len(content)))
            await self._send({"type": f"{DENIAL}.start", "status": status, "headers": fields})
            await self._send({"type": f"{DENIAL}.body", "body": content})

    def write(self, message: Data, more: bool) -> Awaitable[None]:
        """See `Connection.write`."""
        return self._write(self._event_of(message))

    def write_now(self, message: Data) -> None:
        """See `Connection.write_now`. What the server has not taken yet counts as what the peer has not."""
        event = self._event_of(message)
        size = len(message.encode()) if isinstance(message, str) else len(event["bytes"])
        if self._unsent + size > self._settings.write_limit:
            self._end(BROKEN, "the peer does not keep up")
            raise WebsocketClosed(BROKEN, "the peer does not keep up")
        self._unsent += size
        # The task begins later; what is sent meanwhile must not pass this message.
        place = self._sending.join()
        task = asyncio.ensure_future(self._write_later(event, place, size))
        self._background.add(task)

        def done(task: asyncio.Future[None]) -> None:
            place.leave()
            self._background.discard(task)
            if not task.cancelled():
                task.exception()

        task.add_done_callback(done)

    def write_batch(self, batch: MessageBatch) -> bool | None:
        """See `Connection.write_batch`."""
        self._check_open()
        return None

    def when_ready(self, callback: Callable[[], None]) -> None:
        """See `Connection.when_ready`."""
        raise UsageError("batches are written one message after the other here")

    async def ping(self) -> float:
        """See `Connection.ping`."""
        raise UsageError("ASGI has no pings; run the application on emmett's own server to use websocket.ping()")

    def close(self, code: int, reason: str) -> Awaitable[None] | None:
        """See `Connection.close`."""
        if self._closed is not None:
            return None
        self._closed = WebsocketClosed(code, reason)
        # A task of its own: any task may close, and the handler, which then ends, must not end the connection first.
        closing = asyncio.ensure_future(self._close(code, reason))
        self._background.add(closing)
        closing.add_done_callback(self._background.discard)
        return asyncio.shield(closing)

    async def _close(self, code: int, reason: str) -> None:
        await self._stop_pump()
        # The peer may have been faster.
        with contextlib.suppress(WebsocketClosed):
            await self._write({"type": "websocket.close", "code": code, "reason": reason})

    def _event_of(self, message: Data) -> ASGIMessage:
        self._check_open()
        if isinstance(message, str):
            return {"type": "websocket.send", "text": message}
        if isinstance(message, (bytes, bytearray, memoryview)):
            return {"type": "websocket.send", "bytes": bytes(message)}
        raise TypeError(f"a message is str or bytes-like, not {type(message).__name__}")

    async def _write(self, event: ASGIMessage, place: Place | None = None) -> None:
        async with place or self._sending.join():
            try:
                async with asyncio.timeout(self._settings.send_timeout):
                    await self._send(event)
            except TimeoutError:
                logger.warning("%s: the peer did not read for %g s", self._path, self._settings.send_timeout)
                self._end(BROKEN, "")
                raise WebsocketClosed(BROKEN) from None

    async def _write_later(self, event: ASGIMessage, place: Place, size: int) -> None:
        try:
            await self._write(event, place)
        finally:
            self._unsent -= size

    async def _send(self, event: ASGIMessage) -> None:
        try:
            await self._asgi_send(event)
        except OSError:
            # How ASGI servers say that the peer has gone.
            self._end(BROKEN, "")
            raise WebsocketClosed(BROKEN) from None

    async def _fill_inbox(self) -> None:
        """Take messages from the server into the inbox, as fast as the handler takes them out."""
        messages = self.inbox.messages
        while True:
            event = await self._receive()
            if event["type"] != "websocket.receive":
                self._end(event.get("code") or 1005, event.get("reason") or "")
                return
            text = event.get("text")
            message: str | bytes = event["bytes"] if text is None else text
            size = len(message) if isinstance(message, bytes) or message.isascii() else len(message.encode())
            if size > self._settings.max_message_size:
                self._too_big()
                return
            self._taken = self._taken + size if messages else size
            messages.append(message)
            self.inbox.wake()
            if len(messages) >= self._settings.inbox_messages or self._taken >= self._settings.inbox_bytes:
                self._room = self._loop.create_future()
                self.inbox.held_back = True
                await self._room

    def _too_big(self) -> None:
        reason = f"message over {self._settings.max_message_size} bytes"
        closing = asyncio.ensure_future(self._close(TOO_BIG, reason))
        self._background.add(closing)
        closing.add_done_callback(self._background.discard)
        self._end(TOO_BIG, reason)

    async def _stop_pump(self) -> None:
        """Receive no more messages: there are servers on which a pending `receive` keeps `send` from closing."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait((self._pump,))

    def _make_room(self) -> None:
        self.inbox.held_back = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _check_open(self) -> None:
        if self._closed is not None:
            raise WebsocketClosed(self._closed.code, self._closed.reason)

    def _end(self, code: int, reason: str) -> None:
        """The connection has ended: tell the application, and give its handler the time to end too."""
        if self._closed is None:
            self._closed = WebsocketClosed(code, reason)
        if self._websocket is not None:
            self._websocket.end(code, reason)
        self._cancel_later(len(self.inbox.messages) + 1)

    def _cancel_later(self, waiting: int) -> None:
        """Cancel the handler after the grace, which begins anew as long as it takes messages from the inbox."""
        left = len(self.inbox.messages)
        if self._handler is None or self._handler.done():
            return
        if left == waiting:
            logger.info("%s: the handler did not end after the peer had gone, it is cancelled", self._path)
            self._handler.cancel()
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._settings.disconnect_grace, self._cancel_later, left)

    @property
    def _path(self) -> str:
        return "a websocket" if self._websocket is None else repr(self._websocket.path)
