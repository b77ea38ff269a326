"""`BodyFeed`: the body of one request, between the connection and its reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..errors import RequestError
from .flow import BODY, FlowControl

# Unread bytes above which reading from the connection pauses.
HIGH_WATER = 64 * 1024


class BodyFeed:
    """The received but unread part of a body. The connection calls `put`, its one reader calls `read`.

    Arguments:
        flow: the flow control of the connection; reading pauses while too much is unread.
        invite: called when a reader first waits for the body, since the peer sends it only after an invitation (RFC
            9110, 10.1.1). None if the peer needs no invitation.
    """

    __slots__ = ("_ended", "_flow", "_invite", "_is_over", "_reader", "_unread")

    def __init__(self, flow: FlowControl, invite: Callable[[], None] | None = None) -> None:
        self._flow = flow
        self._invite = invite
        self._unread = bytearray()
        # Whether the whole body has arrived.
        self._ended = False
        # Whether no more of the body is wanted or expected.
        self._is_over = False
        self._reader: asyncio.Future[None] | None = None

    @property
    def unread(self) -> int:
        """Bytes that have come and were not read."""
        return len(self._unread)

    @property
    def is_uninvited(self) -> bool:
        """Whether the peer may still be waiting for an invitation to send the body."""
        return self._invite is not None and not self._ended

    def put(self, data: bytes) -> None:
        """Add a piece of the body."""
        if self._is_over:
            return
        self._unread += data
        self._flow.grow(len(data))
        if len(self._unread) > HIGH_WATER:
            self._flow.pause_reading(BODY)
        self._wake()

    def end(self) -> None:
        """Mark the body as complete."""
        self._ended = True
        self._wake()

    def stop(self) -> None:
        """Discard the unread part, because the peer has gone or the response is complete."""
        self._is_over = True
        self._invite = None
        self._unread.clear()
        self._flow.resume_reading(BODY)
        self._wake()

    async def read(self) -> bytes:
        """Return the part that has arrived, waiting for one if necessary; `b""` at the end.

        Raises:
            RequestError: with 400, if the peer has gone before the end or the response is complete.
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
