"""Connections that have said something once and now only are there: what they cost in memory."""

from __future__ import annotations

import asyncio

from benchmarks.frames import echo_batch
from benchmarks.loads.connecting import Collector
from benchmarks.loads.load import Load, opened
from benchmarks.machine import memory_bytes
from benchmarks.plan import LoadFailed

# Opened before the first reading, so that what a server loads for its first connections does not count.
FIRST = 64
ECHO_TIMEOUT = 10.0
SETTLE = 1.0


class IdleLoad(Load):
    """Opens connections, echoes a message on each, and reads the server's memory before and after."""

    connect_timeout = 90.0
    _checked = 0

    async def open(self) -> None:
        await opened(FIRST, self._open)
        before = await self._memory()
        await opened(self.plan.connections, self._open)
        self.memory = await self._memory() - before
        lost = sum(transport.is_closing() for transport in self._transports)
        if lost:
            raise LoadFailed(f"the server closed {lost} of {len(self._transports)} idle connections")

    async def _memory(self) -> int:
        await self.watch.run_for(SETTLE)
        memory = memory_bytes(self.plan.server_pid)
        if memory is None:
            raise LoadFailed("the memory of the server's processes cannot be read on this system")
        return memory

    async def _open(self, number: int) -> None:
        transport = (await self.open_websocket(self.plan.path)).transport
        batch = echo_batch(number, 1, self.plan.size, websocket=not self.plan.raw)
        echoed = Collector(lambda data: len(data) >= len(batch.reply), "before its echo")
        transport.set_protocol(echoed)
        transport.write(batch.request)
        async with asyncio.timeout(ECHO_TIMEOUT):
            reply = await echoed.whole
        if reply != batch.reply:
            raise LoadFailed(f"{reply[:60]!r} came instead of {batch.reply[:60]!r}")
        self._checked += len(reply)

    @property
    def count(self) -> int:
        return max(len(self._transports) - FIRST, 0)

    @property
    def checked_bytes(self) -> int:
        return self._checked
