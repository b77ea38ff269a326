"""One request and its response: what stands between the application and uvicorn."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

logger = logging.getLogger("emmett.server")

STOPPED = b"Service Unavailable"


class Exchange:
    """Runs the application for one request, and ends it when the peer has gone.

    Arguments:
        cycle: what uvicorn has of the request and its response.
        app: the ASGI application.
    """

    __slots__ = ("_app", "_is_event_stream", "_task", "cycle")

    def __init__(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.cycle = cycle
        self._app = app
        self._task: asyncio.Task[Any] | None = None
        self._is_event_stream = False

    @property
    def is_streaming(self) -> bool:
        """Whether the response has begun and not ended."""
        return self.cycle.response_started and not self.cycle.response_complete

    @property
    def is_endless(self) -> bool:
        """Whether the response is a stream of events, which ends when its client leaves."""
        return self.is_streaming and self._is_event_stream

    async def run(self, scope: Any, receive: Any, send: Any) -> None:
        """Be the application, to uvicorn."""
        if self.cycle.disconnected:
            return
        self._task = asyncio.current_task()
        try:
            await self._app(scope, receive, self._send)
        except asyncio.CancelledError:
            if not await self._is_settled():
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

    async def _is_settled(self) -> bool:
        """Whether nothing more is to be said of a cancelled handler; one that the server has cancelled is answered."""
        cycle = self.cycle
        if cycle.disconnected:
            return True
        if self._task is None or not self._task.cancelling():
            return False
        # The server stops, and has waited for this handler as long as it may.
        logger.warning("%s %r was cancelled: the server stops", cycle.scope["method"], cycle.scope["path"])
        if not cycle.response_started and not cycle.flow.write_paused:
            headers = [
                (b"content-type", b"text/plain"),
                (b"content-length", b"%d" % len(STOPPED)),
                (b"connection", b"close"),
            ]
            await cycle.send({"type": "http.response.start", "status": 503, "headers": headers})
            await cycle.send({"type": "http.response.body", "body": STOPPED, "more_body": False})
        else:
            cycle.disconnected = True
            cycle.transport.close()
        return True

    async def _send(self, message: Any) -> None:
        cycle = self.cycle
        if message["type"] == "http.response.start":
            self._is_event_stream = any(
                name == b"content-type" and value.startswith(b"text/event-stream") for name, value in message["headers"]
            )
        if cycle.waiting_for_100_continue and cycle.more_body:
            # The peer may send its body now or leave it out, nobody can tell: nothing behind it can be read.
            cycle.keep_alive = False
        await cycle.send(message)
        if cycle.disconnected:
            # uvicorn would let a stream run on, with nobody to listen.
            raise ConnectionResetError("the peer has gone")
