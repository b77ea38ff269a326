"""Close sinks a few at a time, so that their clients do not all come back at the same moment."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from ..errors import WebsocketClosed
from ..pacing import CLOSE_BATCH, CLOSE_PAUSE
from .sink import Sink
from .tasks import Tasks

logger = logging.getLogger("emmett.channels")


class Closer:
    """Closes sinks in the background.

    Arguments:
        tasks: keeps the tasks of this object.
        sleep: waits for a number of seconds.
    """

    def __init__(self, tasks: Tasks, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._tasks = tasks
        self._sleep = sleep
        self._waiting: deque[tuple[Sink, int, str]] = deque()
        self._is_running = False

    def close(self, sink: Sink, code: int, reason: str) -> None:
        """Close a sink soon."""
        self._waiting.append((sink, code, reason))
        if not self._is_running:
            self._is_running = True
            self._tasks.spawn(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                for _ in range(min(CLOSE_BATCH, len(self._waiting))):
                    self._tasks.spawn(_close(*self._waiting.popleft()))
                if self._waiting:
                    await self._sleep(CLOSE_PAUSE)
        finally:
            self._is_running = False


async def _close(sink: Sink, code: int, reason: str) -> None:
    try:
        await sink.close(code, reason)
    except WebsocketClosed:
        pass
    except Exception:
        logger.exception("a socket could not be closed")
