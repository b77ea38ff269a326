"""Batches for connections on which sending may wait: those with `on_send` hooks, and those over ASGI."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..errors import WebsocketClosed
from .connection import MessageBatch

logger = logging.getLogger("emmett.websocket")


class Delivery:
    """Sends batches one after the other, each in a task. During a batch no other is accepted.

    Arguments:
        loop: the event loop of the connection.
        send: sends one message.
        fail: called if `send` raises any exception except `WebsocketClosed`.
    """

    __slots__ = ("_fail", "_loop", "_ready", "_send", "_task")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        send: Callable[[str | bytes], Awaitable[None]],
        fail: Callable[[], Awaitable[None]],
    ) -> None:
        self._loop = loop
        self._send = send
        self._fail = fail
        self._task: asyncio.Task[None] | None = None
        self._ready: list[Callable[[], None]] = []

    def deliver(self, batch: MessageBatch) -> bool:
        """Begin to send a batch, and return True; return False if the previous batch is not done."""
        if self._task is not None:
            return False
        self._task = self._loop.create_task(self._run(batch))
        return True

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call back when the current batch is done, or in the next turn of the loop without one."""
        if self._task is None:
            self._loop.call_soon(callback)
        else:
            self._ready.append(callback)

    async def finish(self) -> None:
        """Wait until the current batch is done."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    async def _run(self, batch: MessageBatch) -> None:
        try:
            for message in batch.messages:
                await self._send(message)
        except WebsocketClosed:
            # The next delivery raises it to its caller.
            pass
        except Exception:
            logger.exception("a publication could not be sent: the connection is closed")
            self._task = None
            await self._fail()
        finally:
            self._task = None
            ready, self._ready = self._ready, []
            for callback in ready:
                callback()
