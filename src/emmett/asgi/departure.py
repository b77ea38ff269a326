"""`Departure`: ends the handler of a request after its client has left, where the ASGI server reports that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..http.presence import ClientPresence
from ..http.request import Request
from ..logs import log_fields

logger = logging.getLogger("emmett.request")

# Seconds after which the server is asked whether the client has left. Most handlers have answered by then, and need
# neither a task nor a call of `receive`.
WATCH_AFTER = 1.0


class Departure:
    """Watches whether the client of one request leaves.

    Arguments:
        wait_gone: returns when the server reports that the client has left.
    """

    __slots__ = ("_cancellations", "_handler", "_presence", "_request", "_wait_gone", "_watcher")

    def __init__(self, wait_gone: Callable[[], Awaitable[None]]) -> None:
        self._wait_gone = wait_gone
        self._presence = ClientPresence()
        self._request: Request | None = None
        self._handler: asyncio.Task[object] | None = None
        self._watcher: asyncio.Task[None] | None = None
        # How often this object has cancelled the handler.
        self._cancellations = 0

    async def wait_gone(self) -> None:
        """Wait until the client has left, or the request is answered."""
        self._watch()
        await self._presence.wait_gone()

    async def serve(self, request: Request, serving: Awaitable[None]) -> None:
        """Serve a request in this task, which is cancelled `disconnect_grace` seconds after the client has left.

        Arguments:
            request: the request.
            serving: runs the handler and sends the response.
        """
        self._request, self._handler = request, asyncio.current_task()
        timer = asyncio.get_running_loop().call_later(WATCH_AFTER, self._watch)
        try:
            await serving
        except asyncio.CancelledError:
            if not self._is_ours():
                raise
        finally:
            timer.cancel()
            self._presence.answered()
            if self._watcher is not None:
                self._watcher.cancel()
                await asyncio.wait((self._watcher,))

    def _is_ours(self) -> bool:
        """Return whether the cancellation that ended the handler came only from this object."""
        task = self._handler
        if not self._cancellations or task is None:
            return False
        for _ in range(self._cancellations):
            task.uncancel()
        self._cancellations = 0
        return not task.cancelling()

    def _watch(self) -> None:
        if self._watcher is None and self._handler is not None:
            self._watcher = asyncio.get_running_loop().create_task(self._cancel_when_gone())

    async def _cancel_when_gone(self) -> None:
        await self._wait_gone()
        self._presence.leave()
        request, task = self._request, self._handler
        assert request is not None
        assert task is not None
        grace = request.settings.disconnect_grace
        # A handler that swallows its cancellation is cancelled again.
        while grace is not None:
            await asyncio.sleep(grace)
            fields = log_fields(client=request.client, method=request.method, path=request.path)
            logger.info(
                "%s %r was cancelled: its client left %g s ago", request.method, request.path, grace, extra=fields
            )
            self._cancellations += 1
            task.cancel()
