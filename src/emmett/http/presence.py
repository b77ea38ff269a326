"""`ClientPresence`: whether the client of a request is still connected."""

from __future__ import annotations

import asyncio


class ClientPresence:
    """Whether a client is connected. A connection has one object for all its requests, which follow each other.

    Attributes:
        gone: whether the client has left, or will not get its response.
        waiters: the futures of `wait_gone`; None if nothing waits.
    """

    __slots__ = ("gone", "waiters")

    def __init__(self) -> None:
        self.gone = False
        # Created for the first waiter.
        self.waiters: list[asyncio.Future[None]] | None = None

    async def wait_gone(self) -> None:
        """Wait until the client has left or the waiting request is answered."""
        if self.gone:
            return
        waiter = asyncio.get_running_loop().create_future()
        if self.waiters is None:
            self.waiters = []
        self.waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            self._forget(waiter)
            raise

    def _forget(self, waiter: asyncio.Future[None]) -> None:
        if self.waiters is not None and waiter in self.waiters:
            self.waiters.remove(waiter)

    def answered(self) -> None:
        """Wake the waiters, since the request is answered."""
        self._wake()

    def leave(self) -> None:
        """Wake the waiters, since the client has left."""
        self.gone = True
        self._wake()

    def _wake(self) -> None:
        waiters, self.waiters = self.waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)
