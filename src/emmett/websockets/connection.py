"""The port between a `Websocket` and its carrier, which each server adapter implements."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from ..engine.messages import Data, MessageBatch
from ..wire.fields import HeaderFields

__all__ = ["Connection", "Data", "MessageBatch", "Writer"]


class Writer(Protocol):
    """Accepts the messages for the peer, in the order of the calls."""

    def write(self, message: Data, more: bool) -> Awaitable[None] | None:
        """Send a message on an accepted connection.

        Arguments:
            message: text or binary data.
            more: whether another message is likely to follow in this turn of the loop, so this one may wait for it.

        Returns:
            None if the message is written; otherwise an awaitable that must be awaited.

        Raises:
            WebsocketClosed: sending is no longer possible.
            TypeError: the message is neither `str` nor bytes-like.
        """

    def write_batch(self, batch: MessageBatch) -> bool | None:
        """Send all messages of a batch on an accepted connection, without waiting.

        Returns:
            Whether they were written. None of them is written while the peer does not read or earlier messages wait.
            The value is None if this connection cannot decide without waiting: use `write` instead.

        Raises:
            WebsocketClosed: sending is no longer possible.
        """

    def when_ready(self, callback: Callable[[], None], waiting: Callable[[], int] | None = None) -> None:
        """Call back once when `write_batch`, where it never returns None, may write again or will raise.

        Arguments:
            callback: what to call.
            waiting: returns the bytes that wait for that, which the connection is held to account for.
        """


class Connection(Protocol):
    """The carrier of one connection. The default server and the ASGI adapter each implement it.

    A method that returns `None` is done; otherwise its awaitable must be awaited. Tasks may call the methods
    concurrently: writes keep the order of the calls.
    """

    @property
    def writer(self) -> Writer:
        """The writer for messages."""

    @property
    def unsent(self) -> int:
        """The bytes that wait until the peer reads, as far as they are known."""

    def accept(self, headers: HeaderFields | None, subprotocol: str | None) -> Awaitable[None] | None:
        """Answer the handshake with 101. Only the first call has an effect.

        Raises:
            WebsocketClosed: the peer has gone.
            ValueError: a header or the subprotocol cannot be sent; nothing was written.
        """

    def refuse(self, status: int, body: str | bytes, headers: HeaderFields) -> Awaitable[None] | None:
        """Answer the handshake with an HTTP status. Do nothing if it is already answered."""

    def write_now(self, message: Data) -> None:
        """Send a message without waiting, ahead of messages that wait for the peer to read.

        Raises:
            WebsocketClosed: sending is no longer possible; or the peer has not taken `write_limit` bytes and is
                dropped.
            TypeError: the message is neither `str` nor bytes-like.
            UsageError: the caller is in another thread.
        """

    def ping(self) -> Awaitable[float]:
        """Send a Ping frame, wait for its Pong and return the round-trip time in seconds.

        Raises:
            WebsocketClosed: the connection ended before the Pong.
            UsageError: the server does not let an application send pings.
        """

    def close(self, code: int, reason: str) -> Awaitable[None] | None:
        """Send a Close frame after all earlier messages. Only the first call has an effect."""
