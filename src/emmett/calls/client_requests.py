"""Calls in the other direction: from the server to the client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from ..errors import CallError, UsageError, WebsocketClosed
from .codecs import Codec
from .jsonrpc import Error, ErrorCode, Message, ServerRequest


class ClientRequests:
    """The requests of one connection that are waiting for the client's reply.

    Arguments:
        send: sends a message.
        codec: how replies are encoded.
        most: the most requests that may wait at a time.
    """

    __slots__ = ("_codec", "_count", "_most", "_send", "_waiting")

    def __init__(self, send: Callable[[Any], Awaitable[None]], codec: Codec, most: int) -> None:
        self._send = send
        self._codec = codec
        self._most = most
        self._count = 0
        self._waiting: dict[str, asyncio.Future[Message]] = {}

    async def ask(self, method: str, params: Any, type_: Any, seconds: float) -> Any:
        """Call a method of the client.

        Raises:
            UsageError: `seconds` is no deadline.
            CallError: the client answers with an error or not in time, or too many requests already wait.
            WebsocketClosed: the connection ends first.
        """
        if not 0 < seconds < float("inf"):
            raise UsageError(
                f"timeout={seconds!r}: expected a number of seconds above 0, since a client may never answer"
            )
        if len(self._waiting) >= self._most:
            raise CallError(ErrorCode.LIMIT_EXCEEDED, f"{self._most} requests already wait for this client")
        self._count += 1
        # Text, since clients number their own calls, and some would take a request with the same number for a reply.
        id_ = f"s{self._count}"
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = reply
        try:
            async with asyncio.timeout(seconds) as deadline:
                await self._send(ServerRequest(id_, method, params))
                message = await reply
        except TimeoutError:
            if not deadline.expired():
                raise
            text = f"the client did not answer {method!r} within {seconds:g} s"
            raise CallError(ErrorCode.SERVER_CANCELLED, text) from None
        finally:
            del self._waiting[id_]
        return self._result_of(message, type_)

    def take(self, message: Message) -> None:
        """Pass a reply to its request. A reply without one is dropped: the deadline may have passed."""
        waiting = self._waiting.get(message.id) if isinstance(message.id, str) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def fail(self, closed: WebsocketClosed) -> None:
        """Fail all requests, since the client can no longer reply."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(closed)

    def _result_of(self, message: Message, type_: Any) -> Any:
        try:
            if message.error is not UNSET and not self._is_null(message.error):
                error = self._codec.decode(message.error, Error)
                raise CallError(error.code, error.message, None if error.data is UNSET else error.data)
            return None if message.result is UNSET else self._codec.decode(message.result, type_)
        except msgspec.DecodeError as error:
            raise CallError(ErrorCode.PARSE_ERROR, f"the client's reply cannot be read: {error}") from None

    def _is_null(self, raw: Raw) -> bool:
        return self._codec.decode(raw, Any) is None
