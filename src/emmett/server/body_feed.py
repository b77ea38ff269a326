"""`BodyFeed`: the body of one request, on its way from the connection to its reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..errors import RequestError
from .flow import BODY, FlowControl

# Bytes that were not read above which the connection is not read either.
HIGH_WATER = 64 * 1024


class BodyFeed:
    """What has come of a body and was not read. The connection puts, `read` takes; one reader at a time.

    Arguments:
        flow: that of the connection; its reading pauses while too much is unread.
        invite: called when the body is first waited for: the peer sends it only then (RFC 9110, 10.1.1). None when it
            sends without being asked.
    """

    __slots__ = ("_ended", "_flow", "_invite", "_is_over", "_reader", "_unread")

    def __init__(self, flow: FlowControl, invite: Callable[[], None] | None = None) -> None:
        self._flow = flow
        self._invite = invite
        self._unread = bytearray()
        # The whole body has come.
        self._ended = False
        # Nothing more is wanted of it, or will come.
        self._is_over = False
        self._reader: asyncio.Future[None] | None = None

    @property
    def unread(self) -> int:
        """Bytes that have come and were not read."""
        return len(self._unread)

    @property
    def is_uninvited(self) -> bool:
        """Whether the peer may still wait for a word before it sends the body."""
        return self._invite is not None and not self._ended

    def put(self, data: bytes) -> None:
        """A piece of the body has come."""
        if self._is_over:
            return
        self._unread += data
        self._flow.grow(len(data))
        if len(self._unread) > HIGH_WATER:
            self._flow.pause_reading(BODY)
        self._wake()

    def end(self) -> None:
        """The body has come to its end."""
        self._ended = True
        self._wake()

    def stop(self) -> None:
        """The peer has gone, or the response is complete: what was not read is forgotten."""
        self._is_over = True
        self._invite = None
        self._unread.clear()
        self._flow.resume_reading(BODY)
        self._wake()

    async def read(self) -> bytes:
        """Return what has come; waits for it. `b""` at the end.

        Raises:
            RequestError: with 400, when the peer has gone before the end, or the response is complete.
        """
        while not self._unread:
            if self._is_over:
                raise RequestError(400, "the client left before its request was complete")
            if self._ended:
                return b""
            if self._invite is not None:
                self._invite()
                self._invite = None
            self._flow.resume_reading(BODY)
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        data = bytes(self._unread)
        self._unread.clear()
        self._flow.resume_reading(BODY)
        return data

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
