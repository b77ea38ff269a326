"""The HTTP/1.1 protocol of the default server: uvicorn's, with what that one leaves open closed.

Added to it: the head of a request has bounds in size, fields and time, and is checked; requests that wait for their
turn and bytes that nobody reads are bounded; connections over the cap are refused; an upgrade waits for the responses
before it, and the bytes behind it are delivered; a peer that has gone, or does not take its answer, leaves nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from ..errors import HandshakeError, RequestError
from ..wire.handshake import Upgrade, check_upgrade, is_broken_upgrade, is_upgrade, refusal_response
from ..wire.request import check_request, check_target
from .capacity import refused_at_once
from .exchange import Exchange
from .hang_up import has_hung_up
from .head_meter import HeadMeter
from .process_state import process_state
from .proxies import see_through
from .uvicorn_config import ServerConfig
from .websocket_opening import Opening, open_websocket

logger = logging.getLogger("emmett.server")

# Requests that wait on one connection for the responses before theirs.
MAX_WAITING_REQUESTS = 128
# Bytes of a response that waits which a peer must take in a second.
SLOWEST = 1024


class Flow(FlowControl):
    """uvicorn's flow control; reading is not resumed while it is held, whoever asks."""

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class HTTPProtocol(HttpToolsProtocol):
    """One connection until it is upgraded or closed.

    Arguments:
        config: our configuration for uvicorn, with the application in it.
        server_state: what uvicorn shares between the connections of a process.
        app_state: the state of the lifespan.
    """

    flow: Flow

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._process = process_state(config, server_state, self.loop)
        self._limits = self._process.table.config.http
        self._meter = HeadMeter(self._limits)
        # What part of a request is being read; neither when one begins.
        self._reading_head = False
        self._reading_body = False
        # When the peer must have done what is its turn to do, in the loop's seconds: to send a head, to close.
        self._deadline: float | None = None
        # Why the connection ends, from then on nothing that comes counts; and whether the peer was told.
        self._refusal: RequestError | None = None
        self._answered = False
        # Bytes that the closed connection could not send when it was last looked at.
        self._unsent: int | None = None
        # When the peer must have taken what is written, once that is more than the transport likes to hold.
        self._stalled_until = 0.0
        # The connections were more than the cap when this one came.
        self._is_surplus = False
        # What runs; uvicorn's `cycle` is the last request that came, which may still wait in its `pipeline`.
        self._exchange: Exchange | None = None
        # A checked upgrade that waits for the responses before it, and what came behind it.
        self._upgrade: Upgrade | None = None
        self._behind_upgrade = b""
        # An upgrade to something else is being skipped.
        self._skipping_upgrade = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._process.sweep.add(self, self._limits.head_timeout)
        self._expect_something()
        cap, count = self._process.connection_cap, len(self.connections)
        self._is_surplus = count > cap
        if count == cap + 1:
            logger.warning("there are %d connections, as many as the server takes: more are refused", cap)
        elif count > refused_at_once(cap):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._process.sweep.discard(self)
        self.pipeline.clear()
        super().connection_lost(exc)
        if self._exchange is not None:
            self._exchange.abandon()

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        if self._upgrade is not None:
            self._behind_upgrade += data
            return
        self._unset_keepalive_if_required()
        if self._deadline is None and self._is_idle():
            self._expect_something()
        self._feed(data)

    def sweep(self, now: float) -> None:
        """Act on the deadlines that have passed."""
        if self.transport.is_closing():
            self._drop_when_stuck(now)
        elif self.flow.write_paused and now >= self._stalled_until:
            logger.info("%s: dropped: the peer did not take its response", self._peer())
            self.transport.abort()
        elif self._deadline is None:
            self._drop_unheard_stream()
        elif now < self._deadline:
            pass
        elif self._refusal is not None:
            self.transport.abort()
        elif self._reading_head:
            seconds = self._limits.head_timeout
            self._refuse(RequestError(408, f"the head of the request did not come within {seconds:g} s"))
            self.transport.close()
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        allowed = self._limits.send_timeout + self.transport.get_write_buffer_size() / SLOWEST
        self._stalled_until = self.loop.time() + allowed

    # What the parser calls.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading_head = True
        self._meter.begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._meter.count_field()
        # A trailer is no part of the head: it must not add a Host or a Cookie to it (RFC 9110, 6.5.1).
        if self._reading_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._reading_head = False
        self._deadline = None
        self._meter.end_head(self.url, self.headers)
        self._check_head()
        if self._process.trusted:
            see_through(self._process.trusted, self.scope)
        if self._upgrade is None and not self._skipping_upgrade:
            super().on_headers_complete()
            self._reading_body = True
            self.flow.held = bool(self.pipeline)

    def on_body(self, body: bytes) -> None:
        self._meter.move_on()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._meter.move_on()
        self._reading_body = False
        if self._upgrade is None and not self._skipping_upgrade:
            super().on_message_complete()
            if self._is_idle():
                # The response was there before the end of the request; uvicorn's keep-alive timer is off again.
                self._expect_something()

    # What uvicorn calls.

    def on_response_complete(self) -> None:
        # Not in the context of the request, which the keep-alive timer would keep in memory.
        self._process.context.copy().run(super().on_response_complete)
        if self.transport.is_closing():
            return
        if self._upgrade is not None:
            self._switch_when_idle()
        elif self._refusal is not None:
            self._answer_when_idle()
        else:
            self.flow.held = bool(self.pipeline)
            if not self.flow.held:
                self.flow.resume_reading()
            if self._reading_body and self._is_idle():
                # Nobody reads it any more. Closing at once could keep the response from the peer that sends it.
                self._deadline = self.loop.time() + self._limits.body_timeout

    def shutdown(self) -> None:
        super().shutdown()
        if self._exchange is not None and self._exchange.is_endless:
            # Its client comes back by itself, to another process.
            self._exchange.abandon()
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._exchange = Exchange(cycle, app)
        # Not in the running context, which may be that of the request before.
        self._process.context.run(super()._start_asgi_task, cycle, self._exchange.run)

    # Reading.

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
            self._meter.end_read(len(data))
            return
        except httptools.HttpParserUpgrade as stop:
            behind = data[stop.args[0] :]
        except httptools.HttpParserError as error:
            # What the methods above raise comes as context of the parser's own error.
            cause = error.__context__
            if not isinstance(cause, RequestError):
                if cause is not None and not isinstance(cause, httptools.HttpParserError):
                    logger.error("%s: a request could not be read", self._peer(), exc_info=cause)
                cause = RequestError(400, "the request is not valid HTTP/1.1")
            self._refuse(cause)
            return
        except RequestError as error:
            self._refuse(error)
            return
        # Outside of the handlers above: what is raised from here on has another context.
        if self._upgrade is None:
            self._read_without_upgrade(behind)
        else:
            self._behind_upgrade = behind
            self._switch_when_idle()

    def _check_head(self) -> None:
        if self._is_surplus and len(self.connections) > self._process.connection_cap:
            raise RequestError(503, "the server has as many connections as it can take", {"retry-after": "1"})
        self._is_surplus = False
        if len(self.pipeline) >= MAX_WAITING_REQUESTS:
            raise RequestError(429, f"over {MAX_WAITING_REQUESTS} requests wait for their responses")
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            raise RequestError(501, "CONNECT is for proxies, and this is none")
        asks_for_upgrade = is_upgrade(self.headers)
        if asks_for_upgrade and self.parser.should_upgrade():
            upgrade = check_upgrade(method, version, self.headers)
            self.url = check_target(method, self.url, upgrade.host)
            self._upgrade = upgrade
        elif asks_for_upgrade or is_broken_upgrade(self.headers):
            raise HandshakeError(400, "a websocket handshake needs Connection: Upgrade and Upgrade: websocket")
        else:
            self.url = check_request(method, version, self.url, self.headers)
            self._skipping_upgrade = self.parser.should_upgrade()

    def _read_without_upgrade(self, behind: bytes) -> None:
        """Read a request anew that asks for an upgrade to what is not known here, as if it did not (RFC 9110, 7.8).

        The parser would skip its body. Clients that try h2c do send bodies with it.
        """
        self._skipping_upgrade = False
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(b"\r\n".join(lines) + b"\r\n\r\n" + behind)

    def _expect_something(self) -> None:
        """It is the peer's turn."""
        self._deadline = self.loop.time() + self._limits.head_timeout

    def _is_idle(self) -> bool:
        """Whether no response is under way or due."""
        return not self.pipeline and (self._exchange is None or self.cycle.response_complete)

    # Ending.

    def _refuse(self, error: RequestError) -> None:
        """Answer with an error, behind the responses that are under way, and close."""
        self._refusal = error.with_traceback(None)
        self._deadline = None
        logger.info("%s: refused with %d: %s", self._peer(), error.status, error.message)
        if self._reading_body:
            self._give_up_broken()
        self._answer_when_idle()

    def _give_up_broken(self) -> None:
        """The body that is being read is broken: its request is not to be served."""
        assert self._exchange is not None
        if self.pipeline:
            self.pipeline.popleft()
            self.cycle = self.pipeline[0][0] if self.pipeline else self._exchange.cycle
        else:
            # One response to a request: a second one would be taken for that to the next, or for a part of the first.
            self._answered = self.cycle.response_started
            self._exchange.abandon()
            self.cycle.response_complete = True

    def _answer_when_idle(self) -> None:
        if not self._is_idle() or self.transport.is_closing():
            return
        error = self._refusal
        assert error is not None
        self._unset_keepalive_if_required()
        if self._answered:
            self.transport.close()
            return
        self._answered = True
        headers = {"content-type": "text/plain; charset=utf-8", **error.headers}
        for name, value in self.server_state.default_headers:
            headers[name.decode("latin-1")] = value.decode("latin-1")
        self.transport.write(refusal_response(error.status, error.message.encode(), headers.items()))
        if self.transport.can_write_eof():
            # Closing at once, with unread bytes in the socket, would reset the connection, and the peer might never see
            # the answer. What it still sends is read and ignored until it closes too.
            self.transport.write_eof()
            self.flow.held = False
            self.flow.resume_reading()
            self._expect_something()
        else:
            self.transport.close()

    def _drop_unheard_stream(self) -> None:
        """Drop a connection that is not read, so that nothing tells, once the peer of a stream has left."""
        exchange = self._exchange
        if exchange is not None and exchange.is_streaming and self.flow.read_paused and has_hung_up(self.transport):
            self.transport.abort()

    def _drop_when_stuck(self, now: float) -> None:
        """Drop a closed connection whose peer takes nothing of what is still to be sent."""
        unsent = self.transport.get_write_buffer_size()
        if self._unsent is None or unsent < self._unsent:
            self._unsent = unsent
            self._deadline = now + self._limits.head_timeout
        elif self._deadline is not None and now >= self._deadline:
            self.transport.abort()

    # The upgrade.

    def _switch_when_idle(self) -> None:
        if not self._is_idle():
            self.flow.held = True
            self.flow.pause_reading()
            return
        self._unset_keepalive_if_required()
        self.flow.held = False
        self.flow.resume_reading()
        upgrade, self._upgrade = self._upgrade, None
        assert upgrade is not None
        client, secure = self.scope["client"], self.scope["scheme"] == "https"
        opening = Opening(self.transport, upgrade, self.headers, self.url, client, secure, early=self._behind_upgrade)
        try:
            open_websocket(self._process, opening)
        except RequestError as error:
            self._refuse(error)
            return
        self._process.sweep.discard(self)
        self.connections.discard(self)
        # Nothing must hold this object any more: the parser does, and it waits for the garbage collector.
        self.parser = None  # type: ignore[assignment]

    def _peer(self) -> str:
        return f"{self.client[0]}:{self.client[1]}" if self.client else "a peer"
