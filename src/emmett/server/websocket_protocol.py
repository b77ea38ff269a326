"""The websocket protocol of the default server: one connection between its transport and its `Websocket`.

It drives the application directly, without ASGI messages in between. docs/design.md, "What a connection promises",
defines the order of events. `Reading` handles incoming data, `Outbox` outgoing data, and `ClosingConnection` the end of
a connection.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from ..config import WebsocketSettings
from ..dispatch import WebsocketRoute, describe_refusal, run_websocket
from ..errors import FrameError, RequestError, WebsocketClosed
from ..pacing import HANDSHAKE_GRACE
from ..websockets.connection import Data
from ..websockets.outbox import Outbox
from ..websockets.websocket import Websocket
from ..wire.close import CloseCode
from ..wire.encoding import encode_control
from ..wire.fields import HeaderFields
from ..wire.frames import OP_PING
from ..wire.handshake import Upgrade, accept_response
from ..wire.inflater import Inflater
from .frame_watch import FrameWatch
from .hang_up import has_hung_up, limit_unacknowledged
from .websocket_closing import RESTART_REASON, SENDING, ClosingConnection
from .websocket_log import log_failure
from .websocket_phases import WebsocketPhase
from .websocket_process import WebsocketProcess
from .write_watch import WriteWatch

if TYPE_CHECKING:
    from ..wire.deflater import Deflater


class TakeRead(Protocol):
    """The type of `data_received`."""

    def __call__(self, data: bytes) -> None: ...


class WebsocketProtocol(ClosingConnection):
    """One websocket connection on the default server; implements the port of `websockets.connection`.

    Arguments:
        loop: the event loop.
        transport: the transport from the HTTP protocol.
        upgrade: the checked handshake.
        settings: limits and deadlines.
        process: the process that the connection belongs to.
        target: undecoded path and query of the request, for the access log.
    """

    __slots__ = ("_extensions", "_flush_watch", "_frame_watch", "_upgrade", "data_received")

    # The method of `Reading` itself, which saves a call for each read (`make bench-guard`).
    data_received: TakeRead

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        upgrade: Upgrade,
        settings: WebsocketSettings,
        process: WebsocketProcess,
        target: bytes,
    ) -> None:
        super().__init__(loop, transport, settings, process, target)
        self.data_received = self._reading.take
        # Until it is answered.
        self._upgrade: Upgrade | None = upgrade
        # The value of Sec-WebSocket-Extensions in the response.
        self._extensions: str | None = None
        self._frame_watch: FrameWatch | None = None
        # Set when the peer has hung up: the transport closes once the peer has read all earlier data.
        self._flush_watch: WriteWatch | None = None

    def compress(self, extensions: str, inflater: Inflater, deflater: Deflater) -> None:
        """Compress messages, and announce it in the response. Call this before `start`."""
        self._extensions = extensions
        self._reading.inflate(inflater)
        self._outbox.compress(deflater)

    def start(self, route: WebsocketRoute, websocket: Websocket, arguments: dict[str, Any], early: bytes) -> None:
        """Run the handler.

        Arguments:
            route: the matched route.
            websocket: the connection as the application sees it.
            arguments: the variables of the path.
            early: the bytes after the handshake in the same read.
        """
        self.websocket = websocket
        self.route = route.name
        if early:
            self._reading.keep_early(early)
        context = self._process.context
        handling = run_websocket(route, websocket, arguments, self._process.observers)
        self._task = websocket.handler = self._loop.create_task(handling, context=context.copy())
        # Each callback without its own context would copy the current one.
        self._task.add_done_callback(self._on_handler_end, context=context)

    def reject(self, websocket: Websocket, error: RequestError) -> None:
        """Refuse the handshake without a handler.

        Arguments:
            websocket: the connection as an application would see it.
            error: the status and the message for the peer.
        """
        self.websocket = websocket
        self.log(logging.INFO, "refused with %d: %s", error.status, error.message)
        self.refuse(*describe_refusal(error))

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task of the handler; None once it has ended."""
        return self._task

    @property
    def writer(self) -> Outbox:
        """See `Connection.writer`."""
        return self._outbox

    @property
    def unsent(self) -> int:
        """See `Connection.unsent`."""
        return self._outbox.held() + self._transport.get_write_buffer_size()

    # Called by the transport.

    def eof_received(self) -> bool:
        # RFC 6455 has no half-closed connections: the transport closes once its buffer is sent.
        self._flush_watch = WriteWatch()
        return False

    def pause_writing(self) -> None:
        self._outbox.stall()
        self._process.memory.note(self)
        self._process.stalled(self)

    def resume_writing(self) -> None:
        self._outbox.resume()

    # Called by the application, through its `Websocket`.

    def accept(self, headers: HeaderFields | None, subprotocol: str | None) -> None:
        """See `Connection.accept`."""
        if self.phase is not WebsocketPhase.HANDSHAKE:
            raise WebsocketClosed(CloseCode.ABNORMAL)
        assert self.websocket is not None
        assert self._upgrade is not None
        answer = accept_response(
            self._upgrade, subprotocol=subprotocol, headers=headers or (), extensions=self._extensions
        )
        self._upgrade = None
        self._transport.write(answer)
        self.status = 101
        self._enter(WebsocketPhase.OPEN)
        self.websocket.mark_accepted(subprotocol)
        self._process.opened(self)
        interval, timeout = self._settings.ping_interval, self._settings.ping_timeout
        if interval is not None and timeout is None:
            # A peer that never answers a Ping stays connected as long as its system acknowledges it.
            limit_unacknowledged(self._transport, interval)
        self._reading.begin()

    def write_now(self, message: Data) -> None:
        """See `Connection.write_now`."""
        if not self._outbox.write_now(message, self._settings.write_limit):
            self._process.slow(self, f"it has not taken {self._settings.write_limit} bytes", "write_limit")
            self.drop("the peer has not taken %d bytes", self._settings.write_limit)
            self._end(CloseCode.ABNORMAL, "the peer does not keep up")
            raise WebsocketClosed(CloseCode.ABNORMAL, "the peer does not keep up")

    async def ping(self) -> float:
        """See `Connection.ping`."""
        return await self._keepalive.ping(self._loop, self._outbox)

    # Called by the server.

    def sweep(self, now: float) -> None:
        """Act on the deadlines that have passed."""
        if self._watch is not None:
            self._watch.look(now, self)
        if self.phase in SENDING:
            self._look_for_peer(now)
        elif self.phase is WebsocketPhase.HANDSHAKE and self._is_unheard() and has_hung_up(self._transport):
            self._abort()

    def shutdown(self) -> None:
        """Drain in a batch with other connections, because the server stops."""
        delay = self._process.stop_after()
        if self.phase is WebsocketPhase.HANDSHAKE:
            # Its handler is about to answer: an accepted client comes back by itself, unlike a refused one.
            delay = max(delay, HANDSHAKE_GRACE)
        if delay:
            self._loop.call_later(delay, self.drain)
        else:
            self.drain()

    def drain(self) -> None:
        """Accept no more messages, and close as soon as the handler has taken those that arrived.

        If no messages are left and the handler waits for one or never had one, close at once.
        """
        websocket = self.websocket
        if websocket is None:
            return
        if self.phase is WebsocketPhase.HANDSHAKE:
            self._refuse(503, "", {}, linger=False)
            self.cancel_handler()
        elif self.phase is WebsocketPhase.OPEN:
            self._enter(WebsocketPhase.DRAINING)
            inbox = self.inbox
            if inbox.held_back:
                self._reading.pause()
            else:
                self._reading.discard()
            if inbox.messages or inbox.held_back or (self._reading.reader.received and not inbox.awaited):
                websocket.leave(CloseCode.SERVICE_RESTART, RESTART_REASON)
            else:
                self.close(CloseCode.SERVICE_RESTART, RESTART_REASON)
                self._end(CloseCode.SERVICE_RESTART, RESTART_REASON)

    # Called by the watch.

    def give_up_handshake(self) -> None:
        """See `Watched.give_up_handshake`."""
        self.refuse(503, "", {})
        self.cancel_handler()

    def cancel_handler(self) -> None:
        """Cancel the handler, if it still runs."""
        if self._task is not None:
            self._task.cancel()

    # Detection of dead peers.

    def _look_for_peer(self, now: float) -> None:
        """Drop a peer that has gone, or does not do what it must."""
        stalled = self._outbox.stalled_since
        if stalled is not None and now - stalled >= self._settings.send_timeout:
            self._process.slow(self, f"it did not read for {self._settings.send_timeout:g} s", "send_timeout")
            self.drop("the peer did not read for %g s", self._settings.send_timeout)
        elif self._flush_watch is not None:
            unsent = self._transport.get_write_buffer_size()
            if self._flush_watch.is_stuck(unsent, now, self._settings.send_timeout):
                self.drop("the peer hung up and did not read for %g s", self._settings.send_timeout)
        elif self.inbox.held_back and self._has_closed():
            pass
        elif self._is_unheard():
            if has_hung_up(self._transport):
                self._depart()
            elif stalled is None:
                self._ping_unheard(now)
        elif stalled is None:
            self._look_for_life(now)

    def _has_closed(self) -> bool:
        """Process a Close frame that follows messages not yet taken, and return whether there is one."""
        close = self._reading.reader.find_close()
        if close is None:
            return False
        try:
            self._on_close(close)
        except FrameError as error:
            self.on_fault(error)
        return True

    def _is_unheard(self) -> bool:
        """Read although the inbox is full, to notice the peer, and return whether that is impossible."""
        if not self._reading.paused:
            return False
        # When the server is stopping, new input is not accepted.
        return self.phase is WebsocketPhase.DRAINING or not self._reading.read_ahead()

    def _ping_unheard(self, now: float) -> None:
        """Ping a peer while reading is paused: its system acknowledges the Ping, or the connection breaks."""
        keepalive, timeout = self._keepalive, self._settings.ping_timeout
        if keepalive.is_due(now, self._settings.ping_interval):
            if timeout is not None:
                limit_unacknowledged(self._transport, timeout)
            self._outbox.write_ping(encode_control(OP_PING, keepalive.sent(now)))
        # The Pong cannot be seen.
        keepalive.hear()

    def _look_for_life(self, now: float) -> None:
        """Detect an incomplete frame and a peer that does not answer Pings (RFC 6455, 5.5.2)."""
        reader, keepalive, settings = self._reading.reader, self._keepalive, self._settings
        if self._reading.heard:
            self._reading.heard = False
            keepalive.hear()
        timeout = settings.frame_timeout
        watch = self._frame_watch = (self._frame_watch or FrameWatch(timeout)) if reader.in_frame else None
        if watch is not None and watch.is_overdue(reader, now):
            self.on_fault(FrameError(CloseCode.POLICY_VIOLATION, f"frame not whole within {timeout:g} s"))
        elif keepalive.is_dead(now, settings.ping_timeout):
            self.drop("the peer did not answer a Ping within %g s", settings.ping_timeout)
        elif keepalive.is_due(now, settings.ping_interval) and not (
            self.inbox.held_back and has_hung_up(self._transport)
        ):
            # A peer that has hung up would answer a Ping with a reset, and its earlier messages would be lost.
            self._outbox.write_ping(encode_control(OP_PING, keepalive.sent(now)))

    def _on_handler_end(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if self.websocket is not None:
            self.websocket.handler = None
        failed = not task.cancelled() and task.exception() is not None
        if failed:
            log_failure(self, task.exception())
        if self.phase is WebsocketPhase.LOST:
            self._settle()
        elif failed or self.phase is WebsocketPhase.DEPARTED:
            self._abort()
