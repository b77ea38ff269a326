"""`Incoming`: the messages that an ASGI server delivers for one request."""

from __future__ import annotations

import asyncio

from ..errors import RequestError
from .types import ASGIMessage, ASGIReceive


class Incoming:
    """The messages of one request: the parts of its body, and the departure of the peer.

    Arguments:
        receive: the `receive` of ASGI 3.
    """

    __slots__ = ("_ended", "_gone", "_held", "_lock", "_receive", "_taken")

    def __init__(self, receive: ASGIReceive) -> None:
        self._receive = receive
        # ASGI does not allow two tasks to call `receive` at once. Created on the first call.
        self._lock: asyncio.Lock | None = None
        # Messages that `wait_gone` received and `read` has not taken: one part, and perhaps the departure of the peer.
        self._held: list[ASGIMessage] = []
        # Set while `wait_gone` waits until they are taken.
        self._taken: asyncio.Event | None = None
        # The end of the body was read; the server has reported that the peer left.
        self._ended = False
        self._gone = False

    async def read(self) -> bytes:
        """Return the next part of the body; `b""` at its end.

        Raises:
            RequestError: the peer left before the end.
        """
        while not self._ended:
            if self._held:
                # Without the lock: a task in `wait_gone` may hold it until the peer leaves.
                message = self._held.pop(0)
            else:
                async with self._receiving():
                    # `wait_gone` may have received it while this task waited for the lock.
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
        """Wait until the peer has left. Several tasks may wait.

        If nothing reads the body, one part of it is kept here; a departure after that part is not noticed.
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
