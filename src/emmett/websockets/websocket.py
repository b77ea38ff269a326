"""`Websocket`: one connection as the application sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from ..datastructures import Headers
from ..engine import BaseWebsocket
from ..errors import MessageError, UsageError, WebsocketClosed
from ..http.head import HEAD_SLOTS, RequestHead
from ..lazy import LaterModule
from ..wire.close import CloseCode, check_to_send
from ..wire.fields import HeaderFields
from .calling import excuse_closing
from .connection import Connection, Data, MessageBatch
from .delivery import Delivery
from .hooks import DROP, Hook
from .inbox import Inbox
from .tapping import Report, TappedConnection, TappedHook

if TYPE_CHECKING:
    from . import json_messages
else:
    # It imports msgspec, which an application that sends only text and bytes does without.
    json_messages = LaterModule(".json_messages", __package__)

T = TypeVar("T")


class Websocket(BaseWebsocket, RequestHead):
    """A websocket connection.

    An application reaches it as `emmett.websocket`, bound to the running context; a server adapter creates it.

    Arguments:
        scheme: `ws` or `wss`.
        path: path of the request, percent-decoded.
        query_string: the undecoded text after the `?`.
        headers: header fields of the handshake.
        client: address and port of the peer; None if the transport has none, as on a unix socket.
        subprotocols: the subprotocols that the client offered, in its order of preference.
        connection: the carrier of the messages.
        inbox: the queue of received messages.
    """

    __slots__ = (
        *HEAD_SLOTS,
        "__weakref__",
        "_closing_watchers",
        "_connection",
        "_in_receive_hook",
        "_send_lock",
        "client",
        "failure",
        "handler",
        "number",
        "path",
        "scheme",
        "subprotocol",
        "subprotocols",
    )

    _delivery: Delivery | None

    def __init__(
        self,
        *,
        scheme: str,
        path: str,
        query_string: bytes,
        headers: Headers,
        client: tuple[str, int] | None,
        subprotocols: tuple[str, ...],
        connection: Connection,
        inbox: Inbox,
    ) -> None:
        RequestHead.__init__(self, query_string, headers)
        self.scheme = scheme
        self.path = path
        self.client = client
        self.subprotocols = subprotocols
        # The subprotocol that `accept` chose.
        self.subprotocol: str | None = None
        # Whether the handshake was answered with 101.
        self.accepted = False
        # The exception that the handler failed with, for observers.
        self.failure: BaseException | None = None
        # The number of the connection in its process, once its carrier has given it one.
        self.number: int | None = None
        # The task of the handler, if its carrier looks at its result.
        self.handler: asyncio.Task[None] | None = None
        self._connection: Connection = connection
        self._writer = connection.writer
        self._inbox = inbox
        self._messages = inbox.messages
        # How the connection ended; None while it is open.
        self._closed = None
        # How to close once all received messages are delivered; None while the connection is to stay open.
        self._leaving = None
        self._closing_watchers: list[asyncio.Future[None]] | None = None
        # The pipeline's hooks on messages; None costs nothing.
        self._on_receive = None
        self._on_send = None
        # Whether `send` writes each message at once: not before acceptance, and not if hooks come first.
        self._writes_directly = False
        self._in_receive_hook = False
        self._send_lock: asyncio.Lock | None = None
        # Sends batches if sending a message may wait.
        self._delivery = None

    @property
    def connection(self) -> Websocket:
        """This particular connection, to keep and use elsewhere, where `emmett.websocket` refers to another one."""
        return self

    @property
    def closed(self) -> bool:
        """Whether sending is no longer possible: the peer has gone or closed, or this side has closed."""
        return self._closed is not None

    @property
    def close_code(self) -> int | None:
        """The close code (RFC 6455, 7.4); None while the connection is open."""
        return None if self._closed is None else self._closed.code

    @property
    def close_reason(self) -> str | None:
        """The close reason, often empty; None while the connection is open."""
        return None if self._closed is None else self._closed.reason

    @property
    def unread(self) -> int:
        """The number of received messages that the handler has not taken, without those that are not parsed yet."""
        return len(self._messages)

    @property
    def unsent(self) -> int:
        """The bytes that wait until the peer reads. Over ASGI, only those of `send_nowait` are known."""
        return self._connection.unsent

    async def accept(self, headers: HeaderFields | None = None, subprotocol: str | None = None) -> None:
        """Accept the connection. `receive` and `send` do so implicitly; later calls do nothing.

        Arguments:
            headers: header fields to add to the response: a mapping, or pairs for repeated fields.
            subprotocol: one of `subprotocols` (RFC 6455, 1.9).

        Raises:
            WebsocketClosed: the peer has gone, or the handshake was refused.
            ValueError: a header cannot be sent, or the subprotocol was not offered; nothing was sent.
        """
        if self.accepted:
            return
        if self._closed is not None:
            raise self._error()
        waiting = self._connection.accept(headers, subprotocol)
        if waiting is not None:
            await waiting

    async def receive_next(self, stops: bool) -> str | bytes:
        """Return the next message, for `receive` and iteration: one coroutine is faster than two.

        The native engine calls this only if the connection is not accepted, has hooks, or has ended.

        Arguments:
            stops: whether to raise StopAsyncIteration at the end instead of WebsocketClosed.
        """
        if not self.accepted:
            try:
                await self.accept()
            except WebsocketClosed:
                if stops:
                    raise StopAsyncIteration from None
                raise
        messages = self._messages
        while True:
            while not messages:
                # Held-back messages are still delivered, even if the peer has gone.
                if not self._inbox.held_back:
                    if self._closed is not None:
                        if stops:
                            raise StopAsyncIteration
                        task = asyncio.current_task()
                        if task is not self.handler:
                            excuse_closing(task)
                        raise self._error()
                    if self._leaving is not None:
                        await self.close(self._leaving.code, self._leaving.reason)
                        continue
                await self._inbox.arrival()
            message = messages.pop(0)
            if not messages and self._inbox.held_back:
                self._inbox.owner.refill()
            if self._on_receive is None:
                return message
            received = await self._run_receive_hook(self._on_receive, message)
            if received is not DROP:
                return cast("str | bytes", received)

    # Warnings and tasks name the coroutine after what applications call.
    receive_next.__qualname__ = "Websocket.receive"

    def send_nowait(self, data: Data) -> None:
        """Send a message without waiting. Use it to send to many connections, none of which may delay the others.

        A peer that has not taken `write_limit` bytes is dropped. `on_send` hooks cannot run here, because they may
        wait. The message overtakes messages that wait in `send`.

        Raises:
            WebsocketClosed: the peer has gone, or is dropped for not keeping up.
            UsageError: the connection is not accepted yet, its pipeline has `on_send` hooks, or this is another thread.
            TypeError: the data is neither `str` nor bytes-like.
        """
        if not self.accepted:
            raise UsageError("send_nowait() needs an accepted connection: await websocket.accept() first")
        if self._on_send is not None:
            raise UsageError("send_nowait() cannot run the pipeline's on_send hooks: use send()")
        self._connection.write_now(data)

    async def ping(self) -> float:
        """Send a Ping frame and wait for the Pong (RFC 6455, 5.5.2). Accepts the connection first if necessary.

        Returns:
            The round-trip time in seconds.

        Raises:
            WebsocketClosed: the connection ended before the Pong.
            UsageError: the application runs over ASGI, which has no pings.
        """
        if not self.accepted:
            await self.accept()
        return await self._connection.ping()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection after all earlier messages. Before acceptance, refuse the handshake with 403.

        Arguments:
            code: the close code: 1000 to 1003, 1007 to 1014 or 3000 to 4999.
            reason: at most 123 bytes in UTF-8; the peer sees it.

        Raises:
            ValueError: the code or the reason cannot be sent.
        """
        check_to_send(code, reason)
        if self._delivery is not None:
            await self._delivery.finish()
        if self._closed is not None:
            return
        connection = self._connection
        waiting = connection.close(code, reason) if self.accepted else connection.refuse(403, "", {})
        self.end(code, reason)
        if waiting is not None:
            await waiting

    async def wait_closed(self) -> None:
        """Wait until the connection has ended. Any task may call this."""
        if self._closed is not None:
            return
        if self._closing_watchers is None:
            self._closing_watchers = []
        watcher = asyncio.get_running_loop().create_future()
        self._closing_watchers.append(watcher)
        try:
            await watcher
        finally:
            if watcher in self._closing_watchers:
                self._closing_watchers.remove(watcher)

    async def receive_text(self) -> str:
        """Return the next message, which must be text.

        Raises:
            MessageError: the message is binary. Left uncaught, this closes the connection with 1003.
            WebsocketClosed, UsageError: as `receive`.
        """
        message = await self.receive()
        if isinstance(message, str):
            return message
        raise MessageError(CloseCode.UNSUPPORTED_DATA, "expected a text message")

    async def receive_bytes(self) -> bytes:
        """Return the next message, which must be binary.

        Raises:
            MessageError: the message is text. Left uncaught, this closes the connection with 1003.
            WebsocketClosed, UsageError: as `receive`.
        """
        message = await self.receive()
        if isinstance(message, bytes):
            return message
        raise MessageError(CloseCode.UNSUPPORTED_DATA, "expected a binary message")

    @overload
    async def receive_json(self) -> Any: ...

    @overload
    async def receive_json(self, type: type[T]) -> T: ...

    @overload
    async def receive_json(self, type: Any) -> Any: ...

    async def receive_json(self, type: Any = Any) -> Any:
        """Return the next message, decoded from JSON.

        Arguments:
            type: the expected type, any that msgspec can decode into, such as a Struct, a dataclass or `dict[str,
                int]`; or a pydantic model, if pydantic is installed.

        Raises:
            TypeError: no JSON can be decoded into this type; no message was taken.
            MessageError: the message is not JSON or not of that type. Left uncaught, this closes the connection with
                1007.
            WebsocketClosed, UsageError: as `receive`.
        """
        decode = json_messages.find_decoder(type)
        return json_messages.decode_json(await self.receive(), decode)

    async def send_json(self, data: Any) -> None:
        """Send data as JSON in a text message. Data can be anything that msgspec can encode, and pydantic models.

        Raises:
            TypeError: JSON cannot express the data.
            WebsocketClosed: as `send`.
        """
        await self.send(json_messages.encode_json(data))

    # The methods below are for server adapters, dispatch and channels, not for applications.

    def _deliver_slowly(self, batch: MessageBatch) -> bool:
        if not self.accepted:
            raise UsageError("deliver() needs an accepted connection: await websocket.accept() first")
        if self._closed is not None:
            raise self._error()
        if self._delivery is None:
            self._delivery = Delivery(asyncio.get_running_loop(), self.send, self._fail_delivery)
        return self._delivery.deliver(batch)

    def when_ready(self, callback: Callable[[], None], waiting: Callable[[], int] | None = None) -> None:
        """Call back once when `deliver` may take a batch again, or will raise.

        Arguments:
            callback: what to call.
            waiting: returns the bytes that wait for that.
        """
        if self._delivery is None:
            self._writer.when_ready(callback, waiting)
        else:
            self._delivery.when_ready(callback)

    async def finish_delivery(self) -> None:
        """Wait until all messages that `deliver` accepted are sent."""
        if self._delivery is not None:
            await self._delivery.finish()

    async def refuse(self, status: int, body: str | bytes = "", headers: HeaderFields = ()) -> None:
        """Answer the handshake with an HTTP status. Do nothing if it is already answered.

        Raises:
            ValueError: the status or a header cannot be sent; nothing was written.
        """
        waiting = self._connection.refuse(status, body, headers)
        if waiting is not None:
            await waiting

    def mark_accepted(self, subprotocol: str | None) -> None:
        """Record that the 101 was written."""
        self.accepted = True
        self.subprotocol = subprotocol
        self._update_writes_directly()

    def set_hooks(self, on_receive: Hook | None, on_send: Hook | None) -> None:
        """Set the hooks of the pipeline that messages pass through."""
        self._on_receive = on_receive
        self._on_send = on_send
        self._update_writes_directly()

    def tap(self, report: Report) -> None:
        """Report each message from now on, until `untap`. There is one tap at a time, which costs calls per message."""
        connection = TappedConnection(self._connection, report)
        self._connection, self._writer = connection, connection.writer
        self._on_receive = TappedHook(self._on_receive, report)
        self._update_writes_directly()

    def untap(self) -> None:
        """Report no more messages."""
        if isinstance(self._connection, TappedConnection):
            self._connection = self._connection.inner
            self._writer = self._connection.writer
            self._on_receive = self._on_receive.inner
            self._update_writes_directly()

    def leave(self, code: int, reason: str) -> None:
        """Close as soon as the handler asks for a message and none is left."""
        self._leaving = WebsocketClosed(code, reason)
        self._inbox.wake()

    def end(self, code: int, reason: str) -> None:
        """End the connection, and wake all waiters. Only the first call has an effect."""
        if self._closed is not None:
            return
        self._closed = WebsocketClosed(code, reason)
        self._inbox.wake()
        for watcher in self._closing_watchers or ():
            if not watcher.done():
                watcher.set_result(None)

    async def _fail_delivery(self) -> None:
        await self.close(CloseCode.INTERNAL_ERROR)

    def _error(self) -> WebsocketClosed:
        # A new one for each raise: a stored exception would keep its traceback alive, and with it this connection.
        assert self._closed is not None
        return WebsocketClosed(self._closed.code, self._closed.reason)

    async def _run_receive_hook(self, hook: Callable[[Any], Awaitable[Any]], message: str | bytes) -> Any:
        if self._in_receive_hook:
            self._messages.insert(0, message)
            raise UsageError("receive() is running in another task; only one task at a time may receive")
        self._in_receive_hook = True
        try:
            return await hook(message)
        except asyncio.CancelledError:
            # The next receive gets the message: a taken message is never lost.
            self._messages.insert(0, message)
            raise
        finally:
            self._in_receive_hook = False

    def _update_writes_directly(self) -> None:
        self._writes_directly = self.accepted and self._on_send is None

    async def _send_indirectly(self, data: Data) -> None:
        if not self.accepted:
            await self.accept()
        if self._on_send is None:
            await self.send(data)
        else:
            await self._send_through_hook(self._on_send, data)

    async def _send_through_hook(self, hook: Callable[[Any], Awaitable[Any]], data: Any) -> None:
        # A hook may wait; the lock prevents a later message from overtaking.
        if self._send_lock is None:
            self._send_lock = asyncio.Lock()
        async with self._send_lock:
            data = await hook(data)
            if data is DROP:
                return
            waiting = self._writer.write(data, bool(self._messages))
            if waiting is not None:
                await waiting
