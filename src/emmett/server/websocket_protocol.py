"""The websocket protocol of the default server: one connection between its transport and its `Websocket`.

It drives the application directly, with no ASGI messages in between. What happens in which order, and who may end what,
is in docs/design.md, "What a connection promises".
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

from ..config import WebsocketSettings
from ..dispatch import WebsocketRoute, run_websocket
from ..errors import FrameError, WebsocketClosed
from ..websockets.connection import Data, MessageBatch
from ..websockets.inbox import Inbox
from ..websockets.outbox import Outbox
from ..websockets.websocket import Websocket
from ..wire.close import encode_close, parse_close
from ..wire.deflater import Deflater
from ..wire.fields import HeaderFields
from ..wire.frames import OP_CLOSE, OP_PING, OP_PONG, FrameReader, encode_control
from ..wire.handshake import Upgrade, accept_response, refusal_response
from ..wire.inflater import Inflater
from .frame_watch import FrameWatch
from .keepalive import Keepalive
from .owner import Owner
from .websocket_log import log_event, log_failure

BROKEN = 1006
POLICY_VIOLATION = 1008
SERVICE_RESTART = 1012
RESTART_REASON = "service restart"
# Messages that a handler may take at a stretch before other connections have their turn.
MESSAGES_A_TURN = 256

_numbers = itertools.count(1)


class WebsocketProtocol(asyncio.Protocol):
    """One websocket connection on the default server; it fills the port of `websockets.connection`.

    Arguments:
        loop: the event loop.
        transport: the transport, which the HTTP protocol hands over.
        upgrade: the checked handshake.
        settings: limits and deadlines.
        owner: is told when all is over.
        target: path and query of the request as they came, for the access log.
    """

    __slots__ = (
        "__weakref__",
        "_batches_a_turn",
        "_batches_left",
        "_closing",
        "_deadline",
        "_draining",
        "_early",
        "_extensions",
        "_frame_watch",
        "_keepalive",
        "_loop",
        "_lost",
        "_outbox",
        "_owner",
        "_reader",
        "_reading_paused",
        "_settings",
        "_task",
        "_transport",
        "_unread",
        "_upgrade",
        "began",
        "inbox",
        "number",
        "status",
        "target",
        "websocket",
        "write",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        upgrade: Upgrade,
        settings: WebsocketSettings,
        owner: Owner,
        target: bytes,
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._settings = settings
        self._owner = owner
        self.target = target
        # What the log calls this connection.
        self.number = next(_numbers)
        # When the handshake came, in the loop's seconds.
        self.began = loop.time()
        # The HTTP status that answered the handshake; None until then.
        self.status: int | None = None
        self.inbox = Inbox(loop, self._refill)
        self._outbox = Outbox(loop, transport, settings.write_high_water)
        self._reader = FrameReader(
            self.inbox.messages,
            self._on_control,
            max_message_size=settings.max_message_size,
            max_fragments=settings.max_fragments,
            max_messages=settings.inbox_messages,
            max_bytes=settings.inbox_bytes,
        )
        # Writing a message goes straight to the outbox.
        self.write = self._outbox.write
        # The handshake, until it is answered, and what came behind it meanwhile.
        self._upgrade: Upgrade | None = upgrade
        self._early: tuple[bytes, ...] = ()
        # What the answer says of extensions.
        self._extensions: str | None = None
        self._reading_paused = False
        # How many times the inbox may be refilled before other connections have their turn.
        self._batches_a_turn = self._batches_left = MESSAGES_A_TURN // settings.inbox_messages + 1
        # The transport is gone.
        self._lost = False
        self.websocket: Websocket | None = None
        self._task: asyncio.Task[None] | None = None
        # When something must have happened, in the loop's seconds: the answer to the handshake; the end of a connection
        # that closes; the end of a handler whose peer has gone.
        self._deadline: float | None = None
        # The server stops: messages that come now are not taken, and the connection closes for that reason.
        self._draining = False
        # Writes the Close frame once the peer reads on.
        self._closing: asyncio.Task[None] | None = None
        self._keepalive = Keepalive(settings.ping_interval, settings.ping_timeout, self.began)
        self._frame_watch: FrameWatch | None = None
        # Length of the inbox when the handler was last looked at after the peer had gone.
        self._unread = -1

    def compress(self, extensions: str, inflater: Inflater, deflater: Deflater) -> None:
        """Compress messages, and say so in the answer. To be called before `start`."""
        self._extensions = extensions
        self._reader.inflater = inflater
        self._outbox.compress(deflater)

    def start(self, route: WebsocketRoute, websocket: Websocket, arguments: dict[str, Any], early: bytes) -> None:
        """Run the handler.

        Arguments:
            route: the route that matched.
            websocket: the connection as the application sees it.
            arguments: the variables of the path.
            early: what came behind the handshake in the same read.
        """
        self.websocket = websocket
        self._deadline = self.began + self._settings.accept_timeout
        if early:
            self._keep_early(early)
        context = self._owner.context
        handling = run_websocket(route, websocket, self, arguments)
        self._task = self._loop.create_task(handling, context=context.copy())
        # Each callback without a context of its own would copy the running one.
        self._task.add_done_callback(self._on_handler_end, context=context)
        self._owner.tasks.add(self._task)

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task of the handler; None once it has ended."""
        return self._task

    @property
    def messages(self) -> tuple[int, int]:
        """How many messages were received and sent."""
        return self._reader.received, self._outbox.written

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        self._keepalive.heard = True
        if self._upgrade is not None:
            self._keep_early(data)
            return
        try:
            held_back = self._reader.feed(data)
        except FrameError as error:
            self._fail(error)
            return
        if held_back:
            self.inbox.held_back = True
            # A handler that waits for messages will take them before the next read; one that is busy will not.
            if not self.inbox.awaited:
                self._pause_reading()
        self.inbox.wake()

    def eof_received(self) -> bool:
        # RFC 6455 knows no half-closed connection: the transport closes when what was written has left.
        return False

    def pause_writing(self) -> None:
        self._outbox.stall()

    def resume_writing(self) -> None:
        self._outbox.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self.inbox.held_back = False
        if self._upgrade is None:
            # Of a fault nobody is left to be told. What would be too much once inflated is still held back.
            with contextlib.suppress(FrameError):
                self.inbox.held_back = self._reader.drain()
        if self.websocket is not None and not self.websocket.closed and self.status == 101:
            log_event(self, logging.INFO, "lost: %s", exc or "the peer left without a Close frame")
        self._end(BROKEN, "")
        self._outbox.lose(WebsocketClosed(BROKEN))
        if self._task is None:
            self._settle()
        else:
            self._deadline = self._loop.time() + self._settings.disconnect_grace

    # What the application calls, through its `Websocket` and through dispatch.

    def accept(self, headers: HeaderFields | None, subprotocol: str | None) -> None:
        """See `Connection.accept`."""
        if self._lost or self.status is not None:
            raise WebsocketClosed(BROKEN)
        assert self._upgrade is not None
        assert self.websocket is not None
        answer = accept_response(
            self._upgrade, subprotocol=subprotocol, headers=headers or (), extensions=self._extensions
        )
        self._transport.write(answer)
        self.status = 101
        self._upgrade = None
        self._deadline = None
        self.websocket.mark_accepted(subprotocol)
        self._resume_reading()
        early, self._early = self._early, ()
        for data in early:
            self.data_received(data)

    def refuse(self, status: int, body: str | bytes, headers: HeaderFields) -> None:
        """See `Connection.refuse`."""
        if self.status is not None or self._lost:
            return
        content = body.encode() if isinstance(body, str) else body
        self._transport.write(refusal_response(status, content, headers, date=formatdate(usegmt=True)))
        self.status = status
        self._early = ()
        self._end(BROKEN, "")
        self._hang_up()

    def write_now(self, message: Data) -> None:
        """See `Connection.write_now`."""
        if not self._outbox.write_now(message, self._settings.write_limit):
            log_event(self, logging.INFO, "dropped: the peer has not taken %d bytes", self._settings.write_limit)
            self._transport.abort()
            self._end(BROKEN, "the peer does not keep up")
            raise WebsocketClosed(BROKEN, "the peer does not keep up")

    def write_batch(self, batch: MessageBatch) -> bool:
        """See `Connection.write_batch`."""
        return self._outbox.write_batch(batch)

    def when_ready(self, callback: Callable[[], None]) -> None:
        """See `Connection.when_ready`."""
        self._outbox.when_ready(callback)

    async def ping(self) -> float:
        """See `Connection.ping`."""
        return await self._keepalive.ping(self._loop, self._outbox)

    def close(self, code: int, reason: str) -> Awaitable[None] | None:
        """See `Connection.close`."""
        if self._lost or self._outbox.closed is not None:
            return None
        if self._draining:
            code, reason = SERVICE_RESTART, RESTART_REASON
        self._take_no_more()
        frame = encode_control(OP_CLOSE, encode_close(code, reason))
        waiting = self._outbox.write_last(frame, WebsocketClosed(code, reason))
        if waiting is not None:
            # A task of its own: the Close frame has its turn also when whoever waits for it is cancelled.
            self._closing = self._loop.create_task(self._close_in_turn(waiting))
            return asyncio.shield(self._closing)
        self._deadline = self._loop.time() + self._settings.close_timeout
        return None

    # What the server calls.

    def sweep(self, now: float) -> None:
        """Act on the deadlines that have passed."""
        stalled = self._outbox.stalled_since
        if self._deadline is not None and now >= self._deadline:
            self._expire(now)
        elif self._lost or self._upgrade is not None:
            return
        elif stalled is not None:
            if now - stalled >= self._settings.send_timeout:
                self._drop("the peer did not read for %g s", self._settings.send_timeout)
        elif not self._reading_paused and self._outbox.closed is None:
            # While reading is paused neither the rest of a frame nor the answer to a Ping can be seen.
            in_frame, timeout = self._reader.in_frame, self._settings.frame_timeout
            watch = self._frame_watch = (self._frame_watch or FrameWatch(timeout)) if in_frame else None
            if watch is not None and watch.is_overdue(self._reader, now):
                self._fail(FrameError(POLICY_VIOLATION, f"frame not whole within {timeout:g} s"))
            else:
                self._check_alive(now)

    def shutdown(self) -> None:
        """The server stops: drain, in a batch with others."""
        delay = self._owner.stop_after()
        if delay:
            self._loop.call_later(delay, self.drain)
        else:
            self.drain()

    def drain(self) -> None:
        """Take no more messages, close as soon as the handler has taken those that came.

        A handler that has none to take and waits for one, or never had any, is closed at once.
        """
        if self.websocket is None or self._lost or self._draining:
            return
        self._draining = True
        if self.status is None:
            self.refuse(503, "", {})
            self._cancel_handler()
        elif not self.websocket.closed:
            with contextlib.suppress(FrameError):
                self.inbox.held_back = self._reader.drain()
            if self.inbox.held_back:
                self._pause_reading()
            else:
                self._take_no_more()
            if self.inbox.messages or (self._reader.received and not self.inbox.awaited):
                self.websocket.leave(SERVICE_RESTART, RESTART_REASON)
            else:
                self.close(SERVICE_RESTART, RESTART_REASON)
                self._end(SERVICE_RESTART, RESTART_REASON)

    # The rest is our own.

    def _take_no_more(self) -> None:
        """Deliver no more messages; the peer's Close frame is behind those that are on their way."""
        self._reader.discard()
        self.inbox.held_back = False
        self._resume_reading()

    def _check_alive(self, now: float) -> None:
        """Ping the peer when it is time, drop it when it has not answered (RFC 6455, 5.5.2)."""
        keepalive = self._keepalive
        if keepalive.is_dead(now):
            self._drop("the peer did not answer a Ping within %g s", self._settings.ping_timeout)
        elif keepalive.is_due(now):
            self._outbox.write_ping(encode_control(OP_PING, keepalive.sent(now)))

    def _drop(self, message: str, *values: object) -> None:
        log_event(self, logging.INFO, "dropped: " + message, *values)
        self._transport.abort()

    def _keep_early(self, data: bytes) -> None:
        """Keep what comes before the handshake is answered, and read no more than that."""
        if self.status is not None:
            return
        self._early += (data,)
        self._pause_reading()

    def _refill(self) -> None:
        """The inbox has run empty while more was held back."""
        if self._batches_left == 0:
            # A handler whose inbox never runs empty would never let go of the loop.
            self._batches_left = self._batches_a_turn
            self._loop.call_soon(self._refill)
            return
        self._batches_left -= 1
        try:
            self.inbox.held_back = self._reader.resume()
        except FrameError as error:
            self.inbox.held_back = False
            self._fail(error)
        if self._draining and not self.inbox.held_back:
            self._take_no_more()
        elif not self.inbox.held_back:
            self._resume_reading()
        self.inbox.wake()

    def _pause_reading(self) -> None:
        if not self._reading_paused and not self._lost:
            self._reading_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._reading_paused and not self._lost:
            self._reading_paused = False
            self._transport.resume_reading()

    def _on_control(self, opcode: int, payload: bytes) -> None:
        """A control frame has come (RFC 6455, 5.5)."""
        if opcode == OP_PING:
            if self._outbox.closed is None:
                self._outbox.write_pong(encode_control(OP_PONG, payload))
        elif opcode == OP_PONG:
            self._keepalive.answered(payload)
        elif opcode == OP_CLOSE:
            code, reason = parse_close(payload)
            if self._outbox.closed is None:
                self._end(code, reason)
                self._outbox.write_reply(encode_control(OP_CLOSE, payload[:2]), WebsocketClosed(code, reason))
            self._finish()

    def _fail(self, error: FrameError) -> None:
        """The peer broke the rules: tell it, and read no further (RFC 6455, 7.1.7)."""
        if self._outbox.closed is not None:
            self._transport.abort()
            return
        log_event(self, logging.INFO, "failed with %d: %s", error.code, error.reason)
        self._end(error.code, error.reason)
        closed = WebsocketClosed(error.code, error.reason)
        self._outbox.write_reply(encode_control(OP_CLOSE, encode_close(error.code, error.reason)), closed)
        self._hang_up()

    def _hang_up(self) -> None:
        """Close so that the peer can read the last word: with unread bytes in the socket, closing at once would reset
        the connection. What it still sends is read and ignored until it closes too.
        """
        if self._transport.can_write_eof() and not self._draining:
            self._transport.write_eof()
            self._resume_reading()
            self._deadline = self._loop.time() + self._settings.close_timeout
        else:
            self._finish()

    def _finish(self) -> None:
        """Close the transport once what was written has left."""
        self._transport.close()
        if not self._lost:
            self._deadline = self._loop.time() + self._settings.close_timeout

    async def _close_in_turn(self, waiting: Awaitable[None]) -> None:
        # The peer may go before the Close frame has its turn.
        with contextlib.suppress(WebsocketClosed):
            await waiting
            self._deadline = self._loop.time() + self._settings.close_timeout

    def _end(self, code: int, reason: str) -> None:
        if self.websocket is not None:
            self.websocket.end(code, reason)
        self._keepalive.stop()

    def _expire(self, now: float) -> None:
        if self._lost:
            # A handler that still takes messages from its inbox is not busy elsewhere.
            unread = len(self.inbox.messages)
            if unread == self._unread or not unread:
                log_event(self, logging.WARNING, "the handler did not end after the peer had gone: cancelled")
                self._cancel_handler()
            self._unread = unread
            self._deadline = now + self._settings.disconnect_grace
        elif self.status is None:
            log_event(
                self,
                logging.WARNING,
                "the handshake was not answered within %g s: refused",
                self._settings.accept_timeout,
            )
            self.refuse(503, "", {})
            self._cancel_handler()
        else:
            self._drop("the peer did not close within %g s", self._settings.close_timeout)

    def _cancel_handler(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _on_handler_end(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self._owner.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log_failure(self, task.exception())
            self._transport.abort()
        if self._lost:
            self._settle()

    def _settle(self) -> None:
        """The connection is gone and its handler has ended: let go of everything, without waiting for the collector."""
        self._deadline = None
        self._closing = None
        self._owner.ended(self)
        self.websocket = None
        self.inbox.refill = _do_nothing
        self._reader.on_control = _do_nothing


def _do_nothing(*_: object) -> None:
    pass
