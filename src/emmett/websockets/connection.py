"""What a `Websocket` needs from below: the port that each server adapter fills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from ..wire.fields import HeaderFields

Data = str | bytes | bytearray | memoryview


class MessageBatch(Protocol):
    """Messages that go to many connections."""

    @property
    def messages(self) -> Sequence[str | bytes]:
        """The messages, in their order."""

    def frames(self, encode: Callable[[Data], bytes]) -> bytes:
        """Return what `encode` makes of all messages, joined; made once for all connections that encode alike."""


class Writer(Protocol):
    """Takes the messages that go to the peer, in the order of the calls."""

    def write(self, message: Data, more: bool) -> Awaitable[None] | None:
        """Send a message on an accepted connection.

        Arguments:
            message: text or binary data.
            more: another message is likely to be written before the loop turns, so this one may wait for it.

        Returns:
            None when it is written; otherwise what must be awaited.

        Raises:
            WebsocketClosed: no more can be sent.
            TypeError: the message is neither `str` nor bytes-like.
        """

    def write_batch(self, batch: MessageBatch) -> bool | None:
        """Send all messages of a batch on an accepted connection, without waiting.

        Returns:
            Whether they were written: none of them is while the peer does not read on, or earlier messages wait. None
            where this connection cannot say without waiting: use `write`.

        Raises:
            WebsocketClosed: no more can be sent.
        """

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call back once when `write_batch`, where it never returns None, may write again or will raise."""


class Connection(Protocol):
    """One connection, seen from above. The default server and the ASGI adapter each have one.

    Methods that return `None` are done; otherwise their awaitable must be awaited. Tasks may call them concurrently:
    what is written keeps the order of the calls.
    """

    @property
    def writer(self) -> Writer:
        """What takes messages."""

    def accept(self, headers: HeaderFields | None, subprotocol: str | None) -> Awaitable[None] | None:
        """Answer the handshake with 101. Only the first call does anything.

        Raises:
            WebsocketClosed: the peer has gone.
            ValueError: a header or the subprotocol cannot be sent; nothing was written.
        """

    def refuse(self, status: int, body: str | bytes, headers: HeaderFields) -> Awaitable[None] | None:
        """Answer the handshake with an HTTP status. Does nothing once it was answered."""

    def write_now(self, message: Data) -> None:
        """Send a message without waiting, ahead of messages that wait for the peer to read on.

        Raises:
            WebsocketClosed: no more can be sent; or the peer has not taken `write_limit` bytes, and is dropped.
            TypeError: the message is neither `str` nor bytes-like.
            UsageError: the caller is in another thread.
        """

    def ping(self) -> Awaitable[float]:
        """Send a Ping frame and wait for its answer; returns the round trip in seconds.

        Raises:
            WebsocketClosed: the connection ended before the answer.
            UsageError: the server does not let an application ping.
        """

    def close(self, code: int, reason: str) -> Awaitable[None] | None:
        """Send a Close frame after all that was written. Only the first call does anything."""
