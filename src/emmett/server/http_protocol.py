"""The HTTP/1.1 protocol of the default server: one connection, read by httptools, answered by exchanges.

The head of a request has bounds in size, fields and time, and is checked; requests that wait for their turn and bytes
that nobody reads are bounded; connections over the cap are refused; an upgrade waits for the responses before it, and
the bytes behind it are delivered; a peer that has gone, or does not take its answer, leaves nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.server import ServerState

from ..datastructures import Headers
from ..dispatch.hosts import check_host
from ..errors import HandshakeError, RequestError
from ..http.body import SLOWEST_RATE
from ..http.request import Request
from ..wire.handshake import Upgrade, check_upgrade, is_broken_upgrade, is_upgrade, refusal_response
from ..wire.hosts import AllowedHosts
from ..wire.request import check_request, check_target
from .access_log import is_access_logged
from .body_feed import BodyFeed
from .capacity import refused_at_once
from .checked_head import CheckedHead, field_size
from .exchange import Exchange, Fields
from .flow import Flow
from .hang_up import has_hung_up
from .head_meter import HeadMeter
from .process_state import process_state
from .proxies import ends_of, is_unix_socket, see_through
from .uvicorn_config import ServerConfig
from .websocket_opening import Opening, open_websocket

logger = logging.getLogger("emmett.server")

# Requests that wait on one connection for the responses before theirs.
MAX_WAITING_REQUESTS = 128


async def _read_nothing() -> bytes:
    """The body of a request that has none."""
    return b""


class HTTPProtocol(asyncio.Protocol):
    """One connection until it is upgraded or closed.

    Arguments:
        config: our configuration for uvicorn, with the application in it.
        server_state: what uvicorn shares between the connections of a process.
        app_state: the state of the lifespan; not used.
    """

    transport: asyncio.Transport
    flow: Flow

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.loop = _loop or asyncio.get_running_loop()
        self.access_log = is_access_logged()
        self._config = config
        self._server_state = server_state
        self._process = process_state(config, server_state, self.loop)
        self._limits = self._process.table.config.http
        self._meter = HeadMeter(self._limits)
        self._parser: httptools.HttpRequestParser | None = _new_parser(self)
        # The head that is read or was read last, and what is remembered of the last good one.
        self._method = b""
        self._version = ""
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._checked: CheckedHead | None = None
        # What part of a request is being read; neither when one begins.
        self._reading_head = False
        self._reading_body = False
        # When the peer must have done what is its turn to do, in the loop's seconds: to send a head, to close.
        self._deadline: float | None = None
        # The peer may take its time with the next request: until the deadline, but then that of a head begins.
        self._is_resting = False
        # Why the connection ends, from then on nothing that comes counts; and whether the peer was told.
        self._refusal: RequestError | None = None
        self._answered = False
        # Bytes that the closed connection could not send when it was last looked at.
        self._unsent: int | None = None
        # When the peer must have taken what is written, once that is more than the transport likes to hold.
        self._stalled_until = 0.0
        # The connections were more than the cap when this one came.
        self._is_surplus = False
        # The request that is answered, and those that wait for their turn; the last that came may still be read.
        self._exchange: Exchange | None = None
        self._waiting: list[Exchange] = []
        self._feed: BodyFeed | None = None
        # A checked upgrade that waits for the responses before it, and what came behind it.
        self._upgrade: Upgrade | None = None
        self._behind_upgrade = b""
        # An upgrade to something else is being skipped.
        self._skipping_upgrade = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        process = self._process
        process.connections.add(self)
        self.transport = transport
        self.flow = Flow(transport, process.context)
        # Those of the connection, and those of the request that was read last, which differ behind a proxy.
        self._own_ends = self._ends = ends_of(transport)
        self._trusted = process.trusted or None
        self._hosts = process.hosts
        self._is_unix = bool(process.trusted) and is_unix_socket(transport)
        process.sweep.add(self, min(self._limits.head_timeout, self._config.timeout_keep_alive))
        self._expect_something()
        cap, count = process.connection_cap, len(process.connections)
        self._is_surplus = count > cap
        if count == cap + 1:
            logger.warning("there are %d connections, as many as the server takes: more are refused", cap)
        elif count > refused_at_once(cap):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._process.sweep.discard(self)
        self._process.connections.discard(self)
        self._waiting.clear()
        exchange, self._exchange, self._feed = self._exchange, None, None
        if exchange is not None:
            exchange.abandon()
        # Whoever waits is to see that nobody is there.
        self.flow.resume_writing()
        self.transport.close()
        # The parser knows this object: the two would wait for the garbage collector.
        self._parser = None

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        if self._upgrade is not None:
            self._behind_upgrade += data
            return
        if self._is_resting:
            self._is_resting = False
            self._deadline = None
        self._read(data)
        if self._deadline is None and self._is_idle():
            # Not a whole head.
            self._expect_something()

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
        self.flow.pause_writing()
        allowed = self._limits.send_timeout + self.transport.get_write_buffer_size() / SLOWEST_RATE
        self._stalled_until = self.loop.time() + allowed

    def resume_writing(self) -> None:
        self.flow.resume_writing()

    def shutdown(self) -> None:
        """End when the requests that have come are answered; uvicorn calls it when the server stops."""
        if self._is_idle():
            self.transport.close()
            return
        last = self._waiting[-1] if self._waiting else self._exchange
        assert last is not None
        last.keep_alive = False
        if self._exchange is not None and self._exchange.is_endless:
            # Its client comes back by itself, to another process.
            self._exchange.abandon()
            self.transport.close()

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers = []
        self._reading_head = True
        self._meter.begin()

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._meter.count_field()
        # A trailer is no part of the head: it must not add a Host or a Cookie to it (RFC 9110, 6.5.1).
        if self._reading_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._reading_head = False
        self._deadline = None
        self._check_head()
        if self._trusted is not None:
            self._ends = see_through(self._trusted, self._own_ends, self._is_unix, self._headers)
        if self._hosts is not None:
            self._check_host(self._hosts)
        if self._upgrade is None and not self._skipping_upgrade:
            self._reading_body = True
            self._take_request()

    def on_body(self, body: bytes) -> None:
        self._meter.move_on()
        if self._feed is not None:
            self._feed.put(body)

    def on_message_complete(self) -> None:
        self._meter.move_on()
        self._reading_body = False
        if self._feed is not None:
            self._feed.end()
            self._feed = None
        if self._upgrade is None and not self._skipping_upgrade and self._is_idle():
            # The response was there before the end of the request.
            self._expect_something()

    # What exchanges call.

    def response_head(self, status: int, fields: Fields, framing: str) -> bytes:
        return self._process.heads.write(status, self._server_state.default_headers, fields, framing)

    def on_response_complete(self) -> None:
        self._exchange = None
        self._server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self._waiting:
            self._start(self._waiting.pop(0))
        if self._upgrade is not None:
            self._switch_when_idle()
        elif self._refusal is not None:
            self._answer_when_idle()
        elif not self._waiting:
            self.flow.held = False
            self.flow.resume_reading()
            if self._exchange is None:
                self._rest()

    def _rest(self) -> None:
        """All is answered: it is the peer's turn, when it likes."""
        if self._reading_body:
            # Nobody reads it any more. Closing at once could keep the response from the peer that sends it.
            self._deadline = self.loop.time() + self._limits.body_timeout
        elif self._reading_head:
            self._expect_something()
        else:
            self._is_resting = True
            self._deadline = self.loop.time() + self._config.timeout_keep_alive

    # Reading.

    def _read(self, data: bytes) -> None:
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
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
        parser, target, headers = self._parser, self._target, self._headers
        assert parser is not None
        method, version = self._method, self._version = parser.get_method(), parser.get_http_version()
        checked = self._checked
        if checked is not None and not checked.is_like(version, headers):
            checked = None
        self._meter.end_head(len(target) + (field_size(headers) if checked is None else checked.size))
        if self._is_surplus and len(self._process.connections) > self._process.connection_cap:
            raise RequestError(503, "the server has as many connections as it can take", {"retry-after": "1"})
        self._is_surplus = False
        if len(self._waiting) >= MAX_WAITING_REQUESTS:
            raise RequestError(429, f"over {MAX_WAITING_REQUESTS} requests wait for their responses")
        if method == b"CONNECT":
            raise RequestError(501, "CONNECT is for proxies, and this is none")
        if checked is not None:
            self._target = check_target(method, target, checked.host)
            return
        asks_for_upgrade = is_upgrade(headers)
        if asks_for_upgrade and parser.should_upgrade():
            upgrade = check_upgrade(method, version, headers)
            self._target = check_target(method, target, upgrade.host)
            self._upgrade = upgrade
        elif asks_for_upgrade or is_broken_upgrade(headers):
            raise HandshakeError(400, "a websocket handshake needs Connection: Upgrade and Upgrade: websocket")
        else:
            self._target = check_request(method, version, target, headers)
            self._skipping_upgrade = parser.should_upgrade()
            if not self._skipping_upgrade:
                self._checked = CheckedHead(version, headers)

    def _check_host(self, hosts: AllowedHosts) -> None:
        """Refuse a request for a host that is not served, as the client or a trusted proxy names it."""
        try:
            check_host(hosts, self._headers)
        except RequestError:
            self._upgrade = None
            raise

    def _take_request(self) -> None:
        """Give the request that has come to the application, when it is its turn."""
        parser, checked = self._parser, self._checked
        assert parser is not None
        assert checked is not None
        raw_path, _, query_string = self._target.partition(b"?")
        path = raw_path.decode("ascii")
        if checked.has_body:
            self._feed = BodyFeed(self.flow, self._invite if checked.expects_continue else None)
        request = Request(
            method=self._method.decode("ascii"),
            scheme=self._ends.scheme,
            path=unquote(path) if "%" in path else path,
            raw_path=raw_path,
            query_string=query_string,
            headers=Headers(self._headers),
            client=self._ends.client,
            read=_read_nothing if self._feed is None else self._feed.read,
            http_version=self._version,
            settings=self._limits,
        )
        keep_alive = self._version != "1.0" and parser.should_keep_alive()
        exchange = Exchange(self, self._process.table, self._process.tasks, request, self._feed, keep_alive)
        if self._exchange is None:
            self._start(exchange)
        else:
            self.flow.held = True
            self.flow.pause_reading()
            self._waiting.append(exchange)

    def _start(self, exchange: Exchange) -> None:
        self._exchange = exchange
        # Not in the running context, which may be that of the request before.
        exchange.start(self.loop, self._process.context.copy())

    def _invite(self) -> None:
        """Tell the peer to send the body that it has announced."""
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _read_without_upgrade(self, behind: bytes) -> None:
        """Read a request anew that asks for an upgrade to what is not known here, as if it did not (RFC 9110, 7.8).

        The parser would skip its body. Clients that try h2c do send bodies with it.
        """
        self._skipping_upgrade = False
        lines = [b"%b %b HTTP/%b" % (self._method, self._target, self._version.encode())]
        lines += [b"%b: %b" % field for field in self._headers if field[0] != b"upgrade"]
        self._parser = _new_parser(self)
        self._read(b"\r\n".join(lines) + b"\r\n\r\n" + behind)

    def _expect_something(self) -> None:
        """It is the peer's turn."""
        self._deadline = self.loop.time() + self._limits.head_timeout

    def _is_idle(self) -> bool:
        """Whether no response is under way or due."""
        # Those that wait begin when the one before them is complete.
        return self._exchange is None

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
        if self._feed is not None:
            self._feed.stop()
        if self._waiting:
            self._waiting.pop()
        elif self._exchange is not None:
            # One response to a request: a second one would be taken for that to the next, or for a part of the first.
            self._answered = self._exchange.is_started
            self._exchange.abandon()
            self._exchange = None
        else:
            self._answered = True

    def _answer_when_idle(self) -> None:
        if not self._is_idle() or self.transport.is_closing():
            return
        error = self._refusal
        assert error is not None
        if self._answered:
            self.transport.close()
            return
        self._answered = True
        headers = {"content-type": "text/plain; charset=utf-8", **error.headers}
        for name, value in self._server_state.default_headers:
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
        self.flow.held = False
        self.flow.resume_reading()
        upgrade, self._upgrade = self._upgrade, None
        assert upgrade is not None
        client, secure = self._ends.client, self._ends.scheme == "https"
        opening = Opening(
            self.transport, upgrade, self._headers, self._target, client, secure, early=self._behind_upgrade
        )
        open_websocket(self._process, opening)
        self._process.sweep.discard(self)
        self._process.connections.discard(self)
        # Nothing must hold this object any more: the parser does, and it waits for the garbage collector.
        self._parser = None

    def _peer(self) -> str:
        client = self._own_ends.client
        return f"{client[0]}:{client[1]}" if client else "a peer"


def _new_parser(protocol: HTTPProtocol) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(protocol)
    # What comes behind a request that asks to close is read, and not an error: its response comes all the same.
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
