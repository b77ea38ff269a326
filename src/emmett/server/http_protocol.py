"""The HTTP/1.1 protocol of the default server: one connection, its requests and their responses.

The head of a request is bounded in size, fields and time, and is checked. Waiting requests and unread bytes are
bounded. Connections over the cap are refused. An upgrade waits for the earlier responses, and the bytes after it are
delivered. A peer that has gone, or does not take its response, leaves nothing.

`request_reader.py` reads; `http_phases.py` has the table of phases.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any
from urllib.parse import unquote

from ..datastructures import Headers
from ..dispatch.hosts import check_host
from ..errors import RequestError
from ..http.presence import ClientPresence
from ..http.request import Request
from ..logs import log_fields
from ..observers import SlowConsumer, notify
from ..pacing import FIRST_REQUEST_GRACE
from ..wire.handshake import refusal_response
from .body_feed import BodyFeed
from .capacity import refused_at_once
from .exchange import Exchange
from .flow import ALL, MEMORY, QUEUE, FlowControl
from .hang_up import has_hung_up
from .http_phases import (
    CLOSING,
    DUE_BODY,
    DUE_CLOSE,
    DUE_HEAD,
    DUE_REQUEST,
    HEAD,
    LINGERING,
    LOST,
    PHASES,
    REFUSING,
    SERVING,
    SKIPPING,
    UPGRADED,
    UPGRADING,
    WAITING,
    Due,
    HTTPPhase,
)
from .process_state import process_state
from .proxies import address_of, find_client, is_unix_socket
from .request_reader import RequestReader
from .server_config import ServerConfig
from .server_state import ServerState
from .websocket_opening import UpgradeRequest, open_websocket
from .write_watch import WriteWatch

logger = logging.getLogger("emmett.server")

# Requests that may wait on one connection for earlier responses.
MAX_WAITING_REQUESTS = 128
_FOLLOWERS = PHASES.transitions
# The phases in which requests are answered.
_ANSWERING = (SERVING, UPGRADING, REFUSING)


async def _read_nothing() -> bytes:
    """Return the body of a request without a body."""
    return b""


class HTTPProtocol(RequestReader):
    """One connection until it is upgraded or closed.

    Arguments:
        config: the configuration, including the application.
        server_state: what the server shares with its connections.
        app_state: the state of the lifespan; not used.

    Attributes:
        phase: the current phase.
        process: the state that all connections of the process share.
        server_state: as above.
    """

    __slots__ = (
        *("_abandoned", "_address", "_answered", "_due", "_due_at", "_exchange", "_hosts", "_is_surplus", "_is_unix"),
        *("_keep_alive_timeout", "_limits", "_own_address", "_presence", "_trusted", "_wait_gone", "_waiting"),
        *("_writes", "phase", "process", "server_state"),
    )
    # See `ServerState.connections`.
    task = None

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        loop = _loop or asyncio.get_running_loop()
        self.process = process = process_state(config, server_state, loop)
        self._limits = process.table.config.http
        super().__init__(loop, self._limits, process.context)
        self.server_state = server_state
        self.phase = PHASES.first
        self._keep_alive_timeout: float = config.timeout_keep_alive
        # What the peer must do next, or None while it need not act; and by when, in the loop's seconds. Not a
        # `Deadline`: creating one for each request costs a microsecond.
        self._due: Due | None = None
        self._due_at = 0.0
        # Watches whether the peer takes the written data, while the transport exceeds its high-water mark.
        self._writes = WriteWatch()
        # Whether the peer was sent the refusal.
        self._answered = False
        # Whether this connection exceeded the cap when it arrived.
        self._is_surplus = False
        # The current request, and those that wait for their turn.
        self._exchange: Exchange | None = None
        self._waiting: list[Exchange] = []
        # A request whose client has left while its handler still runs.
        self._abandoned: Exchange | None = None
        presence = ClientPresence()
        self._presence = presence
        self._wait_gone = presence.wait_gone

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        process = self.process
        process.connections[self] = None
        self.transport = transport
        self.flow = FlowControl(transport, process.context, process.memory.step, self._note_growth)
        # The client and scheme of the connection, and those of the latest request, which differ if a proxy is trusted.
        self._own_address = self._address = address_of(transport)
        self._trusted = trusted = process.trusted or None
        self._hosts = process.hosts
        self._is_unix = trusted is not None and is_unix_socket(transport)
        process.sweep.begin(min(self._limits.shortest_deadline, self._keep_alive_timeout))
        self._expect(DUE_REQUEST, self._limits.head_timeout)
        cap, count = process.connection_cap, len(process.connections)
        self._is_surplus = count > cap or process.memory.is_scarce
        if count == cap + 1:
            logger.warning("there are %d connections, as many as the server takes: more are refused", cap)
        elif count > cap and count > refused_at_once(cap):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._enter(LOST)
        self._waiting.clear()
        exchange, self._exchange, self.feed = self._exchange, None, None
        self._presence.leave()
        if exchange is not None:
            self._abandon(exchange)
        # Waiting code must notice that the peer is gone.
        self.flow.resume_writing()
        self.transport.close()
        self.stop_reading()
        self._leave_when_over()

    def eof_received(self) -> None:
        self.close()

    def sweep(self, now: float) -> None:
        """Act on the deadlines that have passed."""
        if self._abandoned is not None:
            self._abandoned.cancel_when_due(now)
        if self.phase is LOST:
            return
        if self.flow.write_paused or self.phase is CLOSING:
            if self._writes.is_stuck(self.transport.get_write_buffer_size(), now, self._limits.send_timeout):
                logger.info(
                    "%s: dropped: the peer does not take its response",
                    self._peer(),
                    extra=log_fields(client=self._own_address.client),
                )
                self._tell_slow(
                    f"it made no progress with its response in {self._limits.send_timeout:g} s", "send_timeout"
                )
                self.transport.abort()
                return
        else:
            self._writes.stop()
        if self._due is None:
            self._drop_departed()
        elif now >= self._due_at:
            self._expire(self._due)

    def pause_writing(self) -> None:
        self.flow.pause_writing()
        # From now on, not from the next check on.
        self._writes.start(self.transport.get_write_buffer_size(), self.loop.time())
        self.process.memory.note(self)

    def resume_writing(self) -> None:
        self.flow.resume_writing()
        if self._exchange is None and self._waiting:
            self._start_next()

    def shutdown(self) -> None:
        """Close once the received requests are answered; called when the server stops."""
        self.process.is_stopping = True
        if self._is_idle():
            if self.phase is HEAD or (self.phase is WAITING and not self.target):
                self._expect(DUE_REQUEST, FIRST_REQUEST_GRACE)
            else:
                self.close()
            return
        last = self._waiting[-1] if self._waiting else self._exchange
        assert last is not None
        last.keep_alive = False
        if self._exchange is not None and self._exchange.is_endless and not self._exchange.end_stream():
            # Its client reconnects by itself, to another process.
            self._exchange.abandon()
            self.close()

    def close(self) -> None:
        """Close once the write buffer is sent. Later calls do nothing."""
        if self.phase not in (CLOSING, LOST):
            self._enter(CLOSING)
            self.transport.close()

    # Called by the reader.

    def admit(self) -> None:
        if self._is_surplus:
            process = self.process
            if len(process.connections) > process.connection_cap:
                raise RequestError(503, "the server has as many connections as it can take", {"retry-after": "1"})
            if process.memory.is_scarce:
                raise RequestError(503, "the server holds as much for its clients as it can", {"retry-after": "1"})
        self._is_surplus = False
        if len(self._waiting) >= MAX_WAITING_REQUESTS:
            raise RequestError(429, f"over {MAX_WAITING_REQUESTS} requests wait for their responses")
        if self._trusted is not None:
            self._address = find_client(self._trusted, self._own_address, self._is_unix, self.headers)
        if self._hosts is not None:
            check_host(self._hosts, self.headers)

    def take_request(self) -> None:
        parser, checked = self.parser, self.checked
        assert parser is not None
        assert checked is not None
        raw_path, _, query_string = self.target.partition(b"?")
        path = raw_path.decode("ascii")
        if checked.has_body:
            self.feed = BodyFeed(self.flow, self._invite if checked.expects_continue else None)
        request = Request(
            method=self.method.decode("ascii"),
            scheme=self._address.scheme,
            path=unquote(path) if "%" in path else path,
            raw_path=raw_path,
            query_string=query_string,
            headers=Headers(self.headers),
            client=self._address.client,
            read=_read_nothing if self.feed is None else self.feed.read,
            http_version=self.version,
            settings=self._limits,
            wait_gone=self._wait_gone,
        )
        keep_alive = self.version != "1.0" and not self.process.is_stopping and parser.should_keep_alive()
        exchange = Exchange(self, request, self.feed, keep_alive, self._meter.size)
        if self.phase is not SERVING:
            self._enter(SERVING)
            self._start(exchange)
        else:
            self.flow.pause_reading(QUEUE)
            self._waiting.append(exchange)
            self.flow.grow(exchange.head_size)

    def take_upgrade(self) -> None:
        self._enter(UPGRADING)
        if self._is_idle():
            self._switch()
        else:
            self.flow.pause_reading(QUEUE)

    def end_skipped(self) -> None:
        # The response was complete before the request.
        self._enter(WAITING)
        self._expect(DUE_REQUEST, self._limits.head_timeout)

    def begin_head(self) -> None:
        if self.phase is WAITING:
            self._enter(HEAD)
            self._expect(DUE_HEAD, self._limits.head_timeout)

    def refuse(self, error: RequestError) -> None:
        """Answer with an error after the current responses, and close."""
        self.refusal = error.with_traceback(None)
        self._enter(REFUSING)
        fields = log_fields(client=self._own_address.client, status=error.status, reason=error.message)
        logger.info("%s: refused with %d: %s", self._peer(), error.status, error.message, extra=fields)
        if self.in_body:
            self._give_up_broken()
        if self._is_idle():
            self._answer_refusal()

    # Called by exchanges.

    def on_response_complete(self) -> None:
        self._exchange = None
        if self._presence.waiters is not None:
            self._presence.answered()
        phase = self.phase
        if self._waiting:
            self._start_next()
        elif phase is SERVING:
            self._rest()
        elif phase is UPGRADING:
            self._switch()
        elif phase is REFUSING:
            self._answer_refusal()

    def on_abandoned_end(self) -> None:
        """Handle the end of a handler whose client has left."""
        self._abandoned = None
        self._leave_when_over()

    def _rest(self) -> None:
        """Wait for the peer, because all requests are answered."""
        if self.in_body:
            # The body is no longer read. Closing at once could keep the response from the peer that is still sending.
            self._enter(SKIPPING)
            self.is_skipping = True
            self._expect(DUE_BODY, self._limits.body_timeout)
        elif self.in_head:
            self._enter(HEAD)
            self._expect(DUE_HEAD, self._limits.head_timeout)
        else:
            self._enter(WAITING)
            self._expect(DUE_REQUEST, self._keep_alive_timeout)
        if self.flow.pauses:
            self.flow.resume_reading(QUEUE)

    def _start_next(self) -> None:
        # While the peer does not take a response, the next one is not created, because it would have to be held too.
        if self.phase not in _ANSWERING or self.flow.write_paused:
            return
        self._start(self._waiting.pop(0))
        if not self._waiting and self.phase is SERVING:
            # The rest of its body may still arrive.
            self.flow.resume_reading(QUEUE)

    def _start(self, exchange: Exchange) -> None:
        self._exchange = exchange
        # Not in the current context, which may be that of the previous request.
        exchange.start(self.loop, self.process.context.copy())

    def _invite(self) -> None:
        """Ask the peer to send the body that it has announced."""
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # What the budget of the process calls.

    def held(self) -> int:
        """See `Holder.held`."""
        size = self.kept() + (0 if self.phase is LOST else self.transport.get_write_buffer_size())
        for exchange in (self._exchange, self._abandoned, *self._waiting):
            if exchange is not None:
                size += exchange.held()
        return size

    def choke(self) -> None:
        """See `Holder.choke`."""
        if self.phase is not LOST:
            self.flow.pause_reading(MEMORY)

    def unchoke(self) -> None:
        """See `Holder.unchoke`."""
        self.flow.resume_reading(MEMORY)

    def shed(self) -> None:
        """See `Holder.shed`."""
        self._tell_slow("the process holds more than server.max_memory, and this connection most of it", "max_memory")
        for exchange in (self._exchange, self._abandoned):
            if exchange is not None:
                exchange.shed()
        self._waiting.clear()
        self.after_upgrade = b""
        # In a turn of its own: the transport may be about to read or write.
        self.loop.call_soon(self.transport.abort, context=self.process.context)

    def _note_growth(self) -> None:
        self.process.memory.note(self)

    # Phases and deadlines.

    def _enter(self, phase: HTTPPhase) -> None:
        if phase not in _FOLLOWERS[self.phase]:
            PHASES.follow(self.phase, phase)
        self.phase = phase
        self._due = None

    def _expect(self, kind: Due, seconds: float) -> None:
        """Set a deadline for the peer's next action."""
        self._due = kind
        self._due_at = self.loop.time() + seconds

    def _expire(self, kind: Due) -> None:
        if kind is DUE_CLOSE:
            self.transport.abort()
            return
        if kind is DUE_HEAD:
            seconds = self._limits.head_timeout
            self.refuse(RequestError(408, f"the head of the request did not arrive within {seconds:g} s"))
        self.close()

    def _is_idle(self) -> bool:
        """Return whether no response is in progress or due."""
        return self._exchange is None and not self._waiting

    def _drop_departed(self) -> None:
        """Drop a connection whose peer has left while reading was paused, because no read would reveal it."""
        if self._exchange is not None and self.flow.pauses and has_hung_up(self.transport):
            self.transport.abort()

    # Ending.

    def _abandon(self, exchange: Exchange) -> None:
        if exchange.abandon():
            self._abandoned = exchange

    def _leave_when_over(self) -> None:
        """Stop counting the connection once the peer has gone and no handler runs for it."""
        if self.phase is LOST and self._abandoned is None:
            self._leave_process()

    def _leave_process(self) -> None:
        process = self.process
        process.connections.pop(self, None)
        process.memory.forget(self)
        self.flow.release()

    def _give_up_broken(self) -> None:
        """Give up the request whose body is malformed."""
        if self.feed is not None:
            self.feed.stop()
        if self._waiting:
            self._waiting.pop()
        elif self._exchange is not None:
            # Only one response per request: the peer would take a second one for the next response, or for part of the
            # first.
            exchange, self._exchange = self._exchange, None
            self._answered = exchange.is_started
            self._presence.leave()
            self._abandon(exchange)
        else:
            self._answered = True

    def _answer_refusal(self) -> None:
        error = self.refusal
        assert error is not None
        if self._answered:
            self.close()
            return
        self._answered = True
        headers = {"content-type": "text/plain; charset=utf-8", **error.headers}
        for name, value in self.server_state.default_headers:
            headers[name.decode("latin-1")] = value.decode("latin-1")
        self.transport.write(refusal_response(error.status, error.message.encode(), headers.items()))
        if self.transport.can_write_eof():
            # Closing with unread bytes in the socket would reset the connection, and the peer might never see the
            # response. Its further input is read and discarded until it closes too.
            # The socket may know of a reset that the event loop has not reported yet.
            with contextlib.suppress(OSError):
                self.transport.write_eof()
            self._enter(LINGERING)
            self._expect(DUE_CLOSE, self._limits.head_timeout)
            self.flow.resume_reading(ALL)
        else:
            self.close()

    # The upgrade.

    def _switch(self) -> None:
        """Hand the transport to a websocket, or to its refusal."""
        self.flow.resume_reading(ALL)
        upgrade, self.upgrade = self.upgrade, None
        assert upgrade is not None
        client, secure = self._address.client, self._address.scheme == "https"
        request = UpgradeRequest(
            self.transport, upgrade, self.headers, self.target, client, secure, early=self.after_upgrade
        )
        open_websocket(self.process, request)
        self._enter(UPGRADED)
        self._leave_process()
        # Release every reference to this object.
        self.stop_reading()

    def _tell_slow(self, reason: str, cause: str) -> None:
        observers = self.process.observers
        if observers.slow_consumer:
            event = SlowConsumer("request", self._own_address.client, None, None, reason, cause=cause)
            notify(observers.slow_consumer, event)

    def _peer(self) -> str:
        client = self._own_address.client
        return f"{client[0]}:{client[1]}" if client else "a peer"
