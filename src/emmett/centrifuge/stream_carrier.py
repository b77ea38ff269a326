"""The carrier of a client that receives messages in the response to one request, and sends commands in others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from ..channels.sink import Batch, Message
from ..errors import WebsocketClosed
from .codec import JSON, ClientCodec
from .codes import Ending
from .messages import ClientReply, DisconnectPush, Push

# Characters of messages not yet taken by the response, above which senders wait.
HIGH_WATER = 65_536
# The most frames of commands that wait for earlier ones.
MAX_FRAMES = 64


class StreamCarrier:
    """Keeps messages until the response takes them, and commands until the session does.

    Arguments:
        codec: the encoding of the client.
    """

    def __init__(self, codec: ClientCodec = JSON) -> None:
        self.codec = codec
        self._messages: deque[str | bytes] = deque()
        self._size = 0
        self._frames: deque[str | bytes] = deque()
        self._ready: list[Callable[[], None]] = []
        # Set at every change that a waiting task may be interested in.
        self._changed: list[asyncio.Future[None]] = []
        self._closed: WebsocketClosed | None = None

    @property
    def closed(self) -> bool:
        """Whether it no longer accepts messages."""
        return self._closed is not None

    async def accept(self) -> None:
        """Do nothing: the response begins on its own."""

    async def send(self, data: str | bytes) -> None:
        """Send a message. Wait while the peer does not keep up.

        Raises:
            WebsocketClosed: the peer has gone.
        """
        while self._size > HIGH_WATER and self._closed is None:
            await self._change()
        self._check()
        self._put(data)

    def deliver(self, batch: Batch) -> bool:
        """Accept all messages of a batch, or none. See `Sink`."""
        self._check()
        if self._size > HIGH_WATER:
            return False
        for message in batch.messages:
            self._put(message)
        return True

    def when_ready(self, callback: Callable[[], None], waiting: Callable[[], int] | None = None) -> None:
        """Call back when `deliver` may succeed again, or will raise. See `Sink`."""
        self._ready.append(callback)
        self._call_ready()

    async def close(self, code: int, reason: str) -> None:
        """End the response after all accepted messages. A push informs the client of code and reason."""
        self.close_soon(Ending(code, reason))

    def close_soon(self, ending: Ending) -> None:
        """Do what `close` does."""
        if self._closed is None:
            code, reason = ending
            push = DisconnectPush(code=code, reason=reason, reconnect=not ending.is_terminal)
            self._put(self.codec.encode([ClientReply(push=Push(disconnect=push))]))
            self.end(code, reason)

    def end(self, code: int, reason: str) -> None:
        """Accept nothing more. Messages accepted so far are still sent."""
        self._closed = self._closed or WebsocketClosed(code, reason)
        self._notify()
        self._call_ready()

    def feed(self, frame: str | bytes) -> bool:
        """Accept commands for the session, or return False if too many already wait."""
        if len(self._frames) >= MAX_FRAMES:
            return False
        self._frames.append(frame)
        self._notify()
        return True

    async def frames(self) -> AsyncIterator[str | bytes]:
        """Iterate over the commands, until the end."""
        while True:
            while self._frames:
                yield self._frames.popleft()
            if self._closed is not None:
                return
            await self._change()

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Iterate over the messages, until the end."""
        while True:
            while self._messages:
                message = self._messages.popleft()
                self._size -= len(message)
                self._notify()
                self._call_ready()
                yield message
            if self._closed is not None:
                return
            await self._change()

    def _put(self, message: Message) -> None:
        self._messages.append(message)
        self._size += len(message)
        self._notify()

    def _check(self) -> None:
        if self._closed is not None:
            raise WebsocketClosed(self._closed.code, self._closed.reason)

    async def _change(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._changed.append(future)
        await future

    def _notify(self) -> None:
        changed, self._changed = self._changed, []
        for future in changed:
            if not future.done():
                future.set_result(None)

    def _call_ready(self) -> None:
        if self._ready and (self._closed is not None or self._size <= HIGH_WATER):
            ready, self._ready = self._ready, []
            for callback in ready:
                asyncio.get_running_loop().call_soon(callback)
