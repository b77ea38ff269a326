"""The end of a websocket connection of the default server: by either side, by an error, by its loss.

Each end is a transition of `WEBSOCKET_PHASES`; docs/design.md draws them.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable

from ..config import WebsocketSettings
from ..dispatch.websocket_watch import WebsocketWatch
from ..errors import FrameError, WebsocketClosed
from ..websockets.outbox import Outbox
from ..websockets.websocket import Websocket
from ..wire.close import CloseCode, encode_close, parse_close
from ..wire.encoding import encode_control
from ..wire.fields import HeaderFields
from ..wire.frames import OP_CLOSE, OP_PONG
from ..wire.handshake import refusal_response
from .keepalive import Keepalive
from .websocket_log import log_event
from .websocket_phases import WEBSOCKET_PHASES, WebsocketPhase
from .websocket_process import WebsocketProcess
from .websocket_reading import Reading

RESTART_REASON = "service restart"
# The phases in which messages can be sent.
SENDING = (WebsocketPhase.OPEN, WebsocketPhase.DRAINING)
# The phases in which the peer must close, and those in which the handler must end.
_AWAITING_CLOSE = frozenset((WebsocketPhase.CLOSE_SENT, WebsocketPhase.LINGERING, WebsocketPhase.ENDING))
_AWAITING_END = frozenset((WebsocketPhase.DEPARTED, WebsocketPhase.LOST))
_AWAITING = _AWAITING_CLOSE | _AWAITING_END

_numbers = itertools.count(1)


class ClosingConnection(asyncio.Protocol):
    """The closing half of a connection, which ends it properly whatever the cause.

    Arguments:
        loop: the event loop.
        transport: the transport from the HTTP protocol.
        settings: limits and deadlines.
        process: the process that the connection belongs to.
        target: undecoded path and query of the request, for the access log.
    """

    __slots__ = (
        "__weakref__",
        "_closing",
        "_keepalive",
        "_loop",
        "_outbox",
        "_process",
        "_reading",
        "_settings",
        "_task",
        "_transport",
        "_watch",
        "began",
        "inbox",
        "number",
        "phase",
        "route",
        "status",
        "target",
        "websocket",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        settings: WebsocketSettings,
        process: WebsocketProcess,
        target: bytes,
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._settings = settings
        self._process = process
        self.target = target
        # The number of this connection in the log.
        self.number = next(_numbers)
        # When the handshake arrived, in the loop's seconds.
        self.began = loop.time()
        # The full name of the matched route.
        self.route: str | None = None
        self.phase = WEBSOCKET_PHASES.first
        # None while nothing is awaited: most connections are open.
        self._watch: WebsocketWatch | None = WebsocketWatch(settings)
        self._watch.expect_answer(self.began)
        # The HTTP status that answered the handshake; None until then.
        self.status: int | None = None
        self._reading = Reading(loop, transport, settings, self, process.memory.step)
        self.inbox = self._reading.inbox
        self._outbox = Outbox(loop, transport, settings.write_high_water)
        self._outbox.owner = self
        self._keepalive = Keepalive(self.began)
        self.websocket: Websocket | None = None
        self._task: asyncio.Task[None] | None = None
        # Writes the Close frame once the peer resumes reading.
        self._closing: asyncio.Task[None] | None = None

    # Ends initiated by this side.

    def refuse(self, status: int, body: str | bytes, headers: HeaderFields) -> None:
        """See `Connection.refuse`."""
        self._refuse(status, body, headers, linger=True)

    def close(self, code: int, reason: str) -> Awaitable[None] | None:
        """See `Connection.close`."""
        if self.phase not in SENDING:
            return None
        if self.phase is WebsocketPhase.DRAINING:
            code, reason = CloseCode.SERVICE_RESTART, RESTART_REASON
        frame = encode_control(OP_CLOSE, encode_close(code, reason))
        waiting = self._outbox.write_last(frame, WebsocketClosed(code, reason))
        if waiting is None:
            self._enter(WebsocketPhase.CLOSE_SENT)
            self._reading.discard()
            return None
        self._enter(WebsocketPhase.CLOSE_WAITING)
        self._reading.discard()
        # A separate task, so that the Close frame is written in its turn even if the waiting task is cancelled.
        self._closing = self._loop.create_task(self._close_in_turn(waiting))
        return asyncio.shield(self._closing)

    def drop(self, reason: str, *values: object) -> None:
        """Break the connection off.

        Arguments:
            reason: the reason for the log, with `values` in place of its `%` fields.
        """
        self.log(logging.INFO, "dropped: " + reason, *values)
        self._abort()

    # Ends initiated by the peer.

    def connection_lost(self, exc: Exception | None) -> None:
        before = self.phase
        self._enter(WebsocketPhase.LOST)
        self._reading.lose()
        code, reason = int(CloseCode.ABNORMAL), ""
        if before in SENDING:
            with contextlib.suppress(FrameError):
                close = self._reading.reader.find_close()
                if close is not None:
                    code, reason = parse_close(close)
            if code == CloseCode.ABNORMAL:
                self.log(logging.INFO, "lost: %s", exc or "the peer left without a Close frame")
        self._end(code, reason)
        self._outbox.lose(self._outbox.closed or WebsocketClosed(code, reason))
        if self._task is None:
            self._settle()

    def on_control(self, opcode: int, payload: bytes) -> None:
        """Process a Pong or a Close frame (RFC 6455, 5.5)."""
        if opcode == OP_CLOSE:
            self._on_close(payload)
        else:
            self._keepalive.answered(payload)

    def _on_close(self, payload: bytes) -> None:
        """Answer the peer's Close frame, unless it is itself the answer (RFC 6455, 5.5.1).

        Raises:
            FrameError: the frame is invalid.
        """
        code, reason = parse_close(payload)
        if self.phase in SENDING:
            self._end(code, reason)
            self._outbox.write_reply(encode_control(OP_CLOSE, payload[:2]), WebsocketClosed(code, reason))
            self._finish()
        elif self.phase in (WebsocketPhase.CLOSE_WAITING, WebsocketPhase.CLOSE_SENT):
            self._finish()

    def on_ping(self, payload: bytes) -> None:
        """See `ReadConnection.on_ping`. Nothing follows a Close frame (RFC 6455, 5.5.1)."""
        if self.phase in SENDING:
            self._outbox.write_pong(encode_control(OP_PONG, payload))

    def on_caught_up(self) -> None:
        """See `ReadConnection.on_caught_up`."""
        if self.phase is WebsocketPhase.DRAINING:
            self._reading.discard()
        elif self.phase is not WebsocketPhase.ENDING:
            self._reading.resume()

    def on_growth(self) -> None:
        """See `ReadConnection.on_growth`."""
        self._process.memory.note(self)

    # What the budget of the process calls.

    def held(self) -> int:
        """See `Holder.held`."""
        return self._reading.held() + self._outbox.held() + self._transport.get_write_buffer_size()

    def choke(self) -> None:
        """See `Holder.choke`."""
        self._reading.choke()

    def unchoke(self) -> None:
        """See `Holder.unchoke`."""
        self._reading.unchoke()

    def shed(self) -> None:
        """See `Holder.shed`."""
        reason = "the process holds more than server.max_memory, and this connection most of it"
        self._process.slow(self, reason, "max_memory")
        self._reading.shed()
        self._end(CloseCode.ABNORMAL, "")
        self._outbox.lose(WebsocketClosed(CloseCode.ABNORMAL))
        # In a turn of its own: the transport may be about to read or write.
        self._loop.call_soon(self._abort)

    def on_fault(self, error: FrameError) -> None:
        """Fail the connection after a protocol error: send a Close frame, and stop reading (RFC 6455, 7.1.7)."""
        if self.phase not in SENDING:
            self._abort()
            return
        self.log(logging.INFO, "failed with %d: %s", error.code, error.reason)
        self._end(error.code, error.reason)
        closed = WebsocketClosed(error.code, error.reason)
        self._outbox.write_reply(encode_control(OP_CLOSE, encode_close(error.code, error.reason)), closed)
        self._hang_up(linger=self.phase is WebsocketPhase.OPEN)

    def _depart(self) -> None:
        """Notify the handler of a peer that hung up while reading was paused; it may still take earlier messages."""
        self.log(logging.INFO, "lost: the peer hung up after messages that the handler has not taken")
        self._enter(WebsocketPhase.DEPARTED)
        self._reading.expect_rest()
        self._end(CloseCode.ABNORMAL, "")
        self._outbox.lose(WebsocketClosed(CloseCode.ABNORMAL))
        if self._task is None:
            self._abort()

    # The steps of closing.

    def _enter(self, phase: WebsocketPhase) -> None:
        """Enter the next phase, with its deadline."""
        self.phase = WEBSOCKET_PHASES.follow(self.phase, phase)
        if phase not in _AWAITING:
            self._watch = None
            return
        watch = self._watch = self._watch or WebsocketWatch(self._settings)
        if phase in _AWAITING_CLOSE:
            watch.expect_close(self._loop.time())
        else:
            watch.expect_end(self._loop.time())

    def _refuse(self, status: int, body: str | bytes, headers: HeaderFields, *, linger: bool) -> None:
        if self.phase is not WebsocketPhase.HANDSHAKE:
            return
        # Imported here: few servers refuse a handshake soon after they have started.
        from email.utils import formatdate

        content = body.encode() if isinstance(body, str) else body
        self._transport.write(refusal_response(status, content, headers, date=formatdate(usegmt=True)))
        self.status = status
        self._reading.forget()
        self._end(CloseCode.ABNORMAL, "")
        self._hang_up(linger=linger)

    def _hang_up(self, *, linger: bool) -> None:
        """Close so that the peer can read the final frame or response. Closing with unread bytes in the socket would
        reset the connection, so further input is read and discarded until the peer closes too.
        """
        if linger and self._transport.can_write_eof():
            # The socket may know of a reset that the event loop has not reported yet.
            with contextlib.suppress(OSError):
                self._transport.write_eof()
            self._enter(WebsocketPhase.LINGERING)
            self._reading.resume()
        else:
            self._finish()

    def _finish(self) -> None:
        """Close the transport once its buffer is sent."""
        self._enter(WebsocketPhase.ENDING)
        self._transport.close()

    def _abort(self) -> None:
        """Close the transport at once."""
        if self.phase not in (WebsocketPhase.ENDING, WebsocketPhase.LOST, WebsocketPhase.OVER):
            self._enter(WebsocketPhase.ENDING)
        self._transport.abort()

    async def _close_in_turn(self, waiting: Awaitable[None]) -> None:
        # The peer may leave before the Close frame has its turn.
        with contextlib.suppress(WebsocketClosed):
            await waiting
            if self.phase is WebsocketPhase.CLOSE_WAITING:
                self._enter(WebsocketPhase.CLOSE_SENT)

    def _end(self, code: int, reason: str) -> None:
        """Notify the application that the connection has ended. Only the first call has an effect."""
        if self.websocket is not None:
            self.websocket.end(code, reason)
        self._keepalive.stop()

    def _settle(self) -> None:
        """Release everything at once, without the garbage collector, when the connection and its handler have ended."""
        self._enter(WebsocketPhase.OVER)
        self._closing = None
        self._process.ended(self)
        self.websocket = None
        self._outbox.owner = None
        self._reading.release()

    @property
    def messages(self) -> tuple[int, int]:
        """Return the number of messages received and sent."""
        return self._reading.reader.received, self._outbox.written

    @property
    def bytes(self) -> tuple[int, int] | None:
        """Return the number of bytes received and sent; None if they are not counted."""
        return None

    def log(self, level: int, message: str, *values: object) -> None:
        """Log an event of the connection."""
        log_event(self, level, message, *values)
