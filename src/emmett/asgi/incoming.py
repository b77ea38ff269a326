"""`Incoming`: what an ASGI server tells of one request."""

from __future__ import annotations

import asyncio

from ..errors import RequestError
from .types import ASGIMessage, ASGIReceive


class Incoming:
    """What a server tells of one request: the parts of its body, and that the peer has gone.

    Arguments:
        receive: as ASGI 3 gives it.
    """

    __slots__ = ("_ended", "_gone", "_held", "_lock", "_receive", "_taken")

    def __init__(self, receive: ASGIReceive) -> None:
        self._receive = receive
        # ASGI does not say that `receive` may be called by two tasks at once. Made when it is first called.
        self._lock: asyncio.Lock | None = None
        # What `wait_gone` received and `read` has not taken: one message, and perhaps that the peer has gone.
        self._held: list[ASGIMessage] = []
        # Set while `wait_gone` waits for that to be taken.
        self._taken: asyncio.Event | None = None
        # The end of the body was read; the server has said that the peer has gone.
        self._ended = False
        self._gone = False

    async def read(self) -> bytes:
        """Return the next part of the body; `b""` at its end.

        Raises:
            RequestError: the peer has gone before that.
        """
        while not self._ended:
            if self._held:
                # Without the lock: whoever watches may hold it until the peer goes.
                message = self._held.pop(0)
            else:
                async with self._receiving():
                    # The watcher may have been faster while this waited for the lock.
                    message = self._held.pop(0) if self._held else await self._receive()
            if self._taken is not None:
                self._taken.set()
            if message["type"] == "http.disconnect":
                self._ended = self._gone = True
                raise RequestError(400, "the client left before its request was complete")
            self._ended = not message.get("more_body", False)
            body: bytes = message.get("body", b"")
            if body:
                return body
        return b""

    async def wait_gone(self) -> None:
        """Wait until the peer has gone. Several may wait.

        Of a body that nobody reads, one part is kept here; behind it the peer is not seen to leave.
        """
        while True:
            async with self._receiving():
                if self._gone:
                    return
                message = await self._receive()
                self._held.append(message)
                self._gone = message["type"] == "http.disconnect"
            if message["type"] == "http.disconnect":
                return
            while self._held and message.get("more_body", False):
                if self._taken is None:
                    self._taken = asyncio.Event()
                self._taken.clear()
                await self._taken.wait()

    def _receiving(self) -> asyncio.Lock:
        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock
