"""What an application calls for each message; `_native/websocket.c` is the same in C.

`emmett.websockets.websocket.Websocket` adds everything else, and explains the fields.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Self

from ...errors import WebsocketClosed
from ..messages import Data, MessageBatch
from .inbox import Inbox


class BaseWebsocket:
    """A connection, as far as its messages go.

    A subclass sets the fields, and provides `receive_next`, `_send_indirectly` and `_deliver_slowly`.
    """

    __slots__ = (
        "_closed",
        "_delivery",
        "_inbox",
        "_leaving",
        "_messages",
        "_on_receive",
        "_on_send",
        "_writer",
        "_writes_directly",
        "accepted",
    )

    accepted: bool
    _closed: WebsocketClosed | None
    _delivery: Any
    _inbox: Inbox
    _leaving: WebsocketClosed | None
    _messages: list[str | bytes]
    _on_receive: Any
    _on_send: Any
    _writer: Any
    _writes_directly: bool

    def receive(self) -> Coroutine[Any, Any, str | bytes]:
        """Return the next message: `str` for text, `bytes` for binary. Accepts the connection first if necessary.

        Raises:
            WebsocketClosed: the connection has ended and all received messages have been delivered.
            UsageError: another task is receiving.
        """
        return self.receive_next(False)

    async def send(self, data: Data) -> None:
        """Send a message: `str` as text, bytes-like data as binary. Accepts the connection first if necessary.

        Waits while the peer does not read earlier messages. A waiting `send` that is cancelled has sent nothing.

        Raises:
            WebsocketClosed: the peer has gone.
            TypeError: the data is neither `str` nor bytes-like.
        """
        if not self._writes_directly:
            await self._send_indirectly(data)
            return
        waiting = self._writer.write(data, True if self._messages else False)  # noqa: SIM210 - bool() costs a call
        if waiting is not None:
            await waiting

    # Warnings and tasks name the coroutine after the class that applications know.
    send.__qualname__ = "Websocket.send"

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Coroutine[Any, Any, str | bytes]:
        return self.receive_next(True)

    def deliver(self, batch: MessageBatch) -> bool:
        """Accept all messages of a batch, to send in order, or none of them while the peer does not keep up.

        Returns:
            Whether they were accepted.

        Raises:
            WebsocketClosed: sending is no longer possible.
            UsageError: the connection is not accepted yet.
        """
        if self.accepted and self._delivery is None and self._on_send is None:
            written: bool | None = self._writer.write_batch(batch)
            if written is not None:
                return written
        return self._deliver_slowly(batch)

    # Provided by the subclass.

    def receive_next(self, stops: bool) -> Coroutine[Any, Any, str | bytes]:
        """Return the coroutine of `receive` and iteration; with `stops` it ends by StopAsyncIteration."""
        raise NotImplementedError

    async def _send_indirectly(self, data: Data) -> None:
        """Send a message on a connection that is not accepted yet, or through hooks."""
        raise NotImplementedError

    def _deliver_slowly(self, batch: MessageBatch) -> bool:
        """Accept a batch where each message may have to wait, or say why it cannot be accepted."""
        raise NotImplementedError


def make_handle_functions(
    current: ContextVar[Any], find: Callable[[], Any]
) -> tuple[Callable[[], Coroutine[Any, Any, str | bytes]], Callable[[Data], Coroutine[Any, Any, None]]]:
    """Return `receive` and `send` of the handle `emmett.websocket`.

    Arguments:
        current: holds the connection of the context, and has no default.
        find: raises the error for a context without a connection.
    """
    # Bound once, since each message calls it twice.
    get = current.get

    def receive() -> Coroutine[Any, Any, str | bytes]:
        """Return the coroutine that returns the next message; `websocket.receive` is this function."""
        try:
            return get().receive_next(False)  # type: ignore[no-any-return]
        except LookupError:
            return find().receive()  # type: ignore[no-any-return]

    def send(data: Data) -> Coroutine[Any, Any, None]:
        """Return the coroutine that sends a message; `websocket.send` is this function."""
        try:
            return get().send(data)  # type: ignore[no-any-return]
        except LookupError:
            return find().send(data)  # type: ignore[no-any-return]

    return receive, send
