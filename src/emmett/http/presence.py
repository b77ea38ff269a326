"""`ClientPresence`: whether the client of a request is there."""

from __future__ import annotations

import asyncio


class ClientPresence:
    """Whether a client is there. One connection has one for all its requests, which follow each other.

    Attributes:
        gone: the client has left, or is not to get its response.
        waiters: what `wait_gone` waits for; None when nobody waits.
    """

    __slots__ = ("gone", "waiters")

    def __init__(self) -> None:
        self.gone = False
        # Made when the first one waits.
        self.waiters: list[asyncio.Future[None]] | None = None

    async def wait_gone(self) -> None:
        """Wait until the client has left or the request that waits is answered."""
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
        """Stop waiting: the request is answered, and nobody has a reason to wait."""
        self._wake()

    def leave(self) -> None:
        """Wake those that wait: the client has left."""
        self.gone = True
        self._wake()

    def _wake(self) -> None:
        waiters, self.waiters = self.waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)
