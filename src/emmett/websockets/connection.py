"""What a `Websocket` needs from below: the port that each server adapter fills."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol

Data = str | bytes | bytearray | memoryview


class Connection(Protocol):
    """One connection, seen from above. The default server and the ASGI adapter each have one.

    Methods that return `None` are done; otherwise their awaitable must be awaited. Tasks may call them concurrently:
    what is written keeps the order of the calls.
    """

    def accept(self, headers: Mapping[str, str] | None, subprotocol: str | None) -> Awaitable[None] | None:
        """Answer the handshake with 101. Only the first call does anything.

        Raises:
            WebsocketClosed: the peer has gone.
            ValueError: a header or the subprotocol cannot be sent; nothing was written.
        """

    def refuse(self, status: int, body: str | bytes, headers: Mapping[str, str]) -> Awaitable[None] | None:
        """Answer the handshake with an HTTP status. Does nothing once it was answered."""

    def write(self, message: Data, more: bool) -> Awaitable[None] | None:
        """Send a message on an accepted connection.

        Arguments:
            message: text or binary data.
            more: another message is likely to be written before the loop turns, so this one may wait for it.

        Raises:
            WebsocketClosed: no more can be sent.
            TypeError: the message is neither `str` nor bytes-like.
        """

    def write_now(self, message: Data) -> None:
        """Send a message without waiting, ahead of messages that wait for the peer to read on.

        Raises:
            WebsocketClosed: no more can be sent; or the peer has not taken `write_limit` bytes, and is dropped.
            TypeError: the message is neither `str` nor bytes-like.
        """

    def ping(self) -> Awaitable[float]:
        """Send a Ping frame and wait for its answer; returns the round trip in seconds.

        Raises:
            WebsocketClosed: the connection ended before the answer.
            UsageError: the server does not let an application ping.
        """

    def close(self, code: int, reason: str) -> Awaitable[None] | None:
        """Send a Close frame behind all that was written. Only the first call does anything."""
