"""Events about websockets over ASGI, for observers. Without observers it is not used at all."""

from __future__ import annotations

import asyncio
import itertools

from ..observers import Observers, SlowConsumer, WebsocketCounts, WebsocketEnded, WebsocketOpened, notify
from ..websockets.websocket import Websocket
from .http import client_of, path_of
from .types import ASGIMessage, ASGIReceive, ASGIScope, ASGISend

DENIED = 403
_numbers = itertools.count(1)


class WebsocketMeter:
    """Counts what one websocket carries, between the application and the server, and reports its events.

    Arguments:
        observers: the observers to notify.
        scope, receive, send: the arguments of ASGI 3.

    Attributes:
        number: the number of the connection among those over ASGI in this process.
        route: the full name of the route; None if none matched.
        websocket: the connection as the application sees it; None if it was refused before that.
    """

    def __init__(self, observers: Observers, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
        self.number = next(_numbers)
        self.route: str | None = None
        self.websocket: Websocket | None = None
        self._observers = observers
        self._scope = scope
        self._receive = receive
        self._send = send
        self._began = asyncio.get_running_loop().time()
        self._status: int | None = None
        self._received = self._sent = self._bytes_received = self._bytes_sent = 0

    async def receive(self) -> ASGIMessage:
        """Pass on the next event of the server."""
        event = await self._receive()
        if event["type"] == "websocket.receive":
            self._received += 1
            self._bytes_received += _size_of(event)
        return event

    async def send(self, event: ASGIMessage) -> None:
        """Pass an event to the server."""
        kind = event["type"]
        await self._send(event)
        if kind == "websocket.send":
            self._sent += 1
            self._bytes_sent += _size_of(event)
        elif kind == "websocket.accept":
            self._status = 101
        elif kind == "websocket.http.response.start":
            self._status = event["status"]
        elif kind == "websocket.close" and self._status is None:
            self._status = DENIED

    def count(self) -> WebsocketCounts:
        """Return what the websocket has carried so far."""
        if self._observers.counts_bytes:
            return WebsocketCounts(self._received, self._sent, self._bytes_received, self._bytes_sent)
        return WebsocketCounts(self._received, self._sent)

    def tell_opened(self, subprotocol: str | None) -> None:
        """Report that the application has accepted."""
        if self._observers.websocket_opened:
            event = WebsocketOpened(
                self.number,
                path_of(self._scope),
                self._query(),
                client_of(self._scope),
                self.route,
                subprotocol,
                self.websocket,
                self.count,
            )
            notify(self._observers.websocket_opened, event)

    def tell_slow(self, reason: str, cause: str) -> None:
        """Report that the peer does not take its messages, so the connection ends."""
        if self._observers.slow_consumer:
            client = client_of(self._scope)
            event = SlowConsumer("websocket", client, self.route, None, reason, self.websocket, cause)
            notify(self._observers.slow_consumer, event)

    def tell_ended(self) -> None:
        """Report that the websocket and its handler have ended, or that its handshake was refused."""
        if not self._observers.websocket_ended:
            return
        scope, websocket = self._scope, self.websocket
        code, reason, failure = None, "", None
        if websocket is not None:
            # The traceback of an exception refers to the frames of the handler, and these to the websocket.
            failure, websocket.failure = websocket.failure, None
            if self._status == 101:
                code, reason = websocket.close_code, websocket.close_reason or ""
        event = WebsocketEnded(
            self.number,
            path_of(scope),
            (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0],
            self._query(),
            client_of(scope),
            self.route,
            self._status,
            code,
            reason,
            asyncio.get_running_loop().time() - self._began,
            *self.count(),
            websocket,
            failure,
        )
        notify(self._observers.websocket_ended, event)

    def _query(self) -> str:
        query: bytes = self._scope.get("query_string", b"")
        return query.decode("latin-1")


def make_meter(observers: Observers, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> WebsocketMeter | None:
    """Return a meter for a websocket; None if no observer needs one."""
    if observers.websocket_opened or observers.websocket_ended or observers.slow_consumer:
        return WebsocketMeter(observers, scope, receive, send)
    return None


def _size_of(event: ASGIMessage) -> int:
    text = event.get("text")
    return len(event.get("bytes") or b"") if text is None else len(text.encode())
