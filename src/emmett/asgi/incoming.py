"""`Incoming`: what an ASGI server tells of one request."""

from __future__ import annotations

import asyncio
from collections import deque

from ..errors import RequestError
from .types import ASGIMessage, ASGIReceive


class Incoming:
    """What a server tells of one request: the parts of its body, and that the peer has gone.

    Arguments:
        receive: as ASGI 3 gives it.
    """

    __slots__ = ("_ended", "_held", "_lock", "_receive", "_taken")

    def __init__(self, receive: ASGIReceive) -> None:
        self._receive = receive
        # ASGI does not say that `receive` may be called by two tasks at once.
        self._lock = asyncio.Lock()
        # What `wait_gone` received and `read` has not taken.
        self._held: deque[ASGIMessage] = deque()
        self._taken = asyncio.Event()
        # The end of the body was read.
        self._ended = False

    async def read(self) -> bytes:
        """Return the next part of the body; `b""` at its end.

        Raises:
            RequestError: the peer has gone before that.
        """
        while not self._ended:
            if self._held:
                # Without the lock: whoever watches may hold it until the peer goes.
                message = self._held.popleft()
            else:
                async with self._lock:
                    # The watcher may have been faster while this waited for the lock.
                    message = self._held.popleft() if self._held else await self._receive()
            self._taken.set()
            if message["type"] == "http.disconnect":
                self._ended = True
                raise RequestError(400, "the client left before its request was complete")
            self._ended = not message.get("more_body", False)
            body: bytes = message.get("body", b"")
            if body:
                return body
        return b""

    async def wait_gone(self) -> None:
        """Wait until the peer has gone.

        Of a body that nobody reads, one part is kept here; behind it the peer is not seen to leave.
        """
        while True:
            async with self._lock:
                message = await self._receive()
                self._held.append(message)
            if message["type"] == "http.disconnect":
                return
            while self._held and message.get("more_body", False):
                self._taken.clear()
                await self._taken.wait()
