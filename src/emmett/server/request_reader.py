"""`RequestReader`: parses a connection into checked heads and pieces of bodies, with bounded work per turn.

httptools parses and calls the methods of this class. Its subclass decides what to do with a request.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context

import httptools

from ..config import HTTPSettings
from ..errors import HandshakeError, RequestError
from ..wire.handshake import Upgrade, check_upgrade, is_broken_upgrade, is_upgrade
from ..wire.request import check_request, check_target, is_origin_form
from .body_feed import BodyFeed
from .checked_head import START, CheckedHead, field_size
from .field_pool import pooled
from .flow import TURN, FlowControl
from .head_meter import HeadMeter
from .known_handshakes import KnownHandshakes

logger = logging.getLogger("emmett.server")

# The work of a connection in one turn, before others are served, in pieces of a body. A piece takes about a
# microsecond, and may be a single byte.
MAX_WORK = 1024
# The cost of a head in pieces, in addition to one piece for each field.
HEAD_WORK = 16
# Bytes that cost as much as a piece, in however few pieces they arrive.
BYTES_PER_PIECE = 256
# Bytes that are parsed between two checks of the work done; they contain at most some 680 pieces.
SLICE = 4 * 1024
# Shared by all connections, like the pool of fields.
_known_handshakes = KnownHandshakes()


class RequestReader(asyncio.Protocol):
    """The reading half of an HTTP connection.

    Arguments:
        loop: the event loop.
        limits: the bounds of heads.
        context: the context of the process.

    Attributes:
        transport: the transport of the connection.
        flow: pauses and resumes reading.
        method, version, target, headers: the current head, or the latest one.
        checked: the parsed fields of the head; those of an earlier head if the fields are the same.
        in_head, in_body: the part of a request that is being read; both are false between requests.
        feed: the current body; `None` if there is none or it is not wanted.
        parser: the parser; None before the first request that needs it, and after `stop_reading`.
        is_skipping: whether the rest of the body is discarded.
        refusal: the reason why nothing more is read.
        upgrade: a checked upgrade. The bytes after it are kept in `after_upgrade`.
    """

    # Without slots, CPython stores more than 30 attributes in a separate dict, which slows every access.
    __slots__ = (
        "__weakref__",
        "_context",
        "_meter",
        "_skipping_upgrade",
        "_stopped",
        "_unparsed",
        "_work",
        "after_upgrade",
        "checked",
        "feed",
        "flow",
        "headers",
        "in_body",
        "in_head",
        "is_skipping",
        "loop",
        "method",
        "parser",
        "refusal",
        "target",
        "transport",
        "upgrade",
        "version",
    )

    transport: asyncio.Transport
    flow: FlowControl

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: HTTPSettings, context: Context) -> None:
        self.loop = loop
        self.method = b""
        self.version = ""
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.checked: CheckedHead | None = None
        self.in_head = False
        self.in_body = False
        self.is_skipping = False
        self.refusal: RequestError | None = None
        self.feed: BodyFeed | None = None
        self.upgrade: Upgrade | None = None
        self.after_upgrade = b""
        self._context = context
        self._meter = HeadMeter(limits)
        self.parser: httptools.HttpRequestParser | None = None
        self._stopped = False
        # Whether an upgrade to an unsupported protocol is being skipped.
        self._skipping_upgrade = False
        # The work done in this turn, and the bytes that wait for the next one; None if there are none.
        self._work = 0
        self._unparsed: bytes | None = None

    # Implemented by the subclass.

    def admit(self) -> None:
        """Admit a request whose head is complete and checked. Raises `RequestError` to refuse it."""

    def take_request(self) -> None:
        """Handle a request. Its body goes into `feed`, if this method sets one."""

    def take_upgrade(self) -> None:
        """Handle an upgrade, including the bytes received after it so far."""

    def end_skipped(self) -> None:
        """Handle the end of a body that was skipped."""

    def begin_head(self) -> None:
        """Handle the end of the input, or of a turn, within a head."""

    def refuse(self, error: RequestError) -> None:
        """Refuse input that cannot be served, and read no more."""

    # Reading.

    def data_received(self, data: bytes) -> None:
        if self.refusal is not None:
            return
        if self.upgrade is not None:
            self.after_upgrade += data
            self.flow.grow(len(data))
            return
        if self._unparsed is not None:
            # The transport already had this data when reading was paused.
            self._unparsed += data
            self.flow.grow(len(data))
            return
        self._read(data)

    def _read(self, data: bytes) -> None:
        """Parse as much of the data as fits this turn."""
        if not self.in_head and not self.in_body and len(data) <= SLICE and self._take_known(data):
            if self._work >= MAX_WORK:
                self._yield(b"")
            return
        if len(data) <= SLICE:
            self._work += len(data) // BYTES_PER_PIECE
            if self._parse(data, b"") and self._work >= MAX_WORK:
                self._yield(b"")
        else:
            self._read_slices(data)
        if self.in_head:
            self.begin_head()

    def _take_known(self, data: bytes) -> bool:
        """Take a request that equals an earlier one in all but its target without the parser, which takes most of the
        time of a small request (`make bench-guard`). Return whether it was one.
        """
        checked = self.checked
        if checked is not None:
            raw = checked.raw
            if not raw or not data.startswith(START) or not data.endswith(raw):
                return False
            target = data[len(START) : -len(raw)]
            if not is_origin_form(target):
                return False
            self.method, self.version, self.target, self.headers = b"GET", "1.1", target, checked.headers()
            size = checked.size
        else:
            # Only the first request of a connection: one that closes it would leave the parser in a state of its own.
            found = None if self.parser is not None else _known_handshakes.find(data)
            if found is None:
                return False
            known, target, key = found
            self.method, self.version, self.target, self.headers = b"GET", "1.1", target, known.headers(key)
            self.upgrade = Upgrade(key, *known.upgrade[1:])
            size = known.size
        self._take_head(size + len(target))
        return True

    def _take_head(self, size: int) -> None:
        fields = len(self.headers)
        self._work += HEAD_WORK + fields
        try:
            self._meter.take_head(fields, size)
            self.admit()
        except RequestError as error:
            self._give_up(error)
            return
        if self.upgrade is None:
            self.take_request()
        else:
            self.take_upgrade()

    def kept(self) -> int:
        """Return the bytes that have come and are neither a request nor a part of a body."""
        return self._meter.unended + len(self._unparsed or b"") + len(self.after_upgrade)

    def stop_reading(self) -> None:
        """Stop reading, and drop the parser: its reference to this object is a cycle for the garbage collector."""
        self.parser = None
        self._stopped = True
        self._unparsed = None

    def _read_slices(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(data), SLICE):
            piece = view[start : start + SLICE]
            self._work += len(piece) // BYTES_PER_PIECE
            if not self._parse(piece, view[start + SLICE :]):
                return
            if self._work >= MAX_WORK:
                self._yield(bytes(view[start + SLICE :]))
                return

    def _yield(self, rest: bytes) -> None:
        """Let other connections have their turn. uvloop would read up to 32 times unless the transport is paused."""
        self._unparsed = rest
        self.flow.grow(len(rest))
        self.flow.pause_reading(TURN)
        self.loop.call_soon(self._next_turn, context=self._context)

    def _next_turn(self) -> None:
        rest, self._unparsed = self._unparsed, None
        self._work = 0
        if rest is None or self._stopped:
            return
        if rest:
            self._read(rest)
        if not self._is_yielding():
            self.flow.resume_reading(TURN)

    def _is_yielding(self) -> bool:
        return self._unparsed is not None or self._stopped

    def _parse(self, data: bytes | memoryview, rest: bytes | memoryview) -> bool:
        """Parse a slice, and return whether the rest must be parsed after it."""
        parser = self.parser
        if parser is None:
            parser = self.parser = _new_parser(self)
        try:
            parser.feed_data(data)
            self._meter.end_read(len(data))
            checked = self.checked
            if checked is not None and checked.raw is None and checked.is_repeated:
                checked.keep_raw(bytes(data))
            return True
        except httptools.HttpParserUpgrade as stop:
            after = bytes(data[stop.args[0] :]) + bytes(rest)
        except httptools.HttpParserError as error:
            # Exceptions of the methods below arrive as the context of the parser's own error.
            cause = error.__context__
            if not isinstance(cause, RequestError):
                if cause is not None and not isinstance(cause, httptools.HttpParserError):
                    logger.error("a request could not be read", exc_info=cause)
                cause = RequestError(400, "the request is not valid HTTP/1.1")
            self._give_up(cause)
            return False
        except RequestError as error:
            self._give_up(error)
            return False
        # Outside of the `except` blocks above, because exceptions raised here need a different context.
        if self.upgrade is None:
            self._read_without_upgrade(after)
        else:
            _known_handshakes.add(bytes(data), self.headers, self.upgrade)
            self.after_upgrade = after
            self.take_upgrade()
        return False

    def _give_up(self, error: RequestError) -> None:
        self.upgrade = None
        self.in_head = False
        self.refuse(error)

    def _read_without_upgrade(self, after: bytes) -> None:
        """Read a request with an unsupported upgrade again, as if it had none (RFC 9110, 7.8).

        The parser would skip its body, and clients that try h2c do send bodies.
        """
        self._skipping_upgrade = False
        lines = [b"%b %b HTTP/%b" % (self.method, self.target, self.version.encode())]
        lines += [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        self.parser = _new_parser(self)
        self._read(b"\r\n".join(lines) + b"\r\n\r\n" + after)

    # Called by the parser.

    def on_message_begin(self) -> None:
        self.target = b""
        self.headers = []
        self.in_head = True
        self._meter.begin()

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_head:
            # A trailer is not part of the head: it must not add a Host or a Cookie (RFC 9110, 6.5.1).
            self._meter.count_field()
            return
        headers = self.headers
        headers.append((name.lower(), value))
        # The meter counts the fields of a complete head in one call. Until then, it is called only over the limit.
        if len(headers) > self._meter.max_fields:
            self._meter.count_field(len(headers))

    def on_headers_complete(self) -> None:
        self.in_head = False
        fields = len(self.headers)
        self._meter.count_field(fields)
        self._work += HEAD_WORK + fields
        self._check_head()
        self.admit()
        if self.upgrade is None and not self._skipping_upgrade:
            self.in_body = True
            self.take_request()

    def on_body(self, body: bytes) -> None:
        self._work += 1
        self._meter.move_on()
        if self.feed is not None:
            self.feed.put(body)

    def on_message_complete(self) -> None:
        self._meter.move_on()
        self.in_body = False
        if self.feed is not None:
            self.feed.end()
            self.feed = None
        if self.is_skipping:
            self.is_skipping = False
            self.end_skipped()

    def _check_head(self) -> None:
        parser, target, headers = self.parser, self.target, self.headers
        assert parser is not None
        method, version = self.method, self.version = parser.get_method(), parser.get_http_version()
        checked = self.checked
        if checked is not None and not checked.is_like(version, headers):
            checked = None
        self._meter.end_head(len(target) + (field_size(headers) if checked is None else checked.size))
        if method == b"CONNECT":
            raise RequestError(501, "CONNECT is for proxies; this server is not a proxy")
        if checked is not None:
            self.target = check_target(method, target, checked.host)
            return
        should_upgrade = parser.should_upgrade()
        asks_for_upgrade = is_upgrade(headers)
        if asks_for_upgrade and should_upgrade:
            upgrade = check_upgrade(method, version, headers)
            self.target = check_target(method, target, upgrade.host)
            self.upgrade = upgrade
            # A websocket keeps its fields.
            self.headers = pooled(headers)
        elif asks_for_upgrade or is_broken_upgrade(headers):
            raise HandshakeError(400, "a websocket handshake needs Connection: Upgrade and Upgrade: websocket")
        else:
            self.target = check_request(method, version, target, headers)
            self._skipping_upgrade = should_upgrade
            if not self._skipping_upgrade:
                self.checked = CheckedHead(version, headers)


def _new_parser(reader: RequestReader) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(reader)
    # Input after a request that asks to close is not an error: the request still gets its response.
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
