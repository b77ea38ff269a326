"""One request and its response: what stands between the application and uvicorn."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class Exchange:
    """Runs the application for one request, and ends it when the peer has gone.

    Arguments:
        cycle: what uvicorn has of the request and its response.
        app: the ASGI application.
    """

    __slots__ = ("_app", "_task", "cycle")

    def __init__(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.cycle = cycle
        self._app = app
        self._task: asyncio.Task[Any] | None = None

    @property
    def is_streaming(self) -> bool:
        """Whether the response has begun and not ended."""
        return self.cycle.response_started and not self.cycle.response_complete

    async def run(self, scope: Any, receive: Any, send: Any) -> None:
        """Be the application, to uvicorn."""
        if self.cycle.disconnected:
            return
        self._task = asyncio.current_task()
        try:
            await self._app(scope, receive, self._send)
        except asyncio.CancelledError:
            if not self.cycle.disconnected:
                raise
        finally:
            self._task = None

    def abandon(self) -> None:
        """The peer has gone, or is not to get this response.

        A handler that is at work runs on; when it asks for more of the body, or answers, it learns that nobody is
        there. A response that has begun is a stream, perhaps one that waits for ever: that is cancelled.
        """
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.disconnected = True
        cycle.message_event.set()
        if self.is_streaming and self._task is not None:
            self._task.cancel()

    async def _send(self, message: Any) -> None:
        cycle = self.cycle
        if cycle.waiting_for_100_continue and cycle.more_body:
            # The peer may send its body now or leave it out, nobody can tell: nothing behind it can be read.
            cycle.keep_alive = False
        await cycle.send(message)
        if cycle.disconnected:
            # uvicorn would let a stream run on, with nobody to listen.
            raise ConnectionResetError("the peer has gone")
