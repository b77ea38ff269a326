"""A correct broker that is far away: calls and reports take time, as they do over a network."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.channels.brokers.port import NO_NEEDS, Entry, History, Limits, Listener, Needs
from emmett.channels.publication import Position
from emmett.errors import BrokerUnavailable

Result = TypeVar("Result")


class DistantBroker(MemoryBroker):
    """Sends calls one after the other, and receives their answers and publications later."""

    def __init__(self, bus: MemoryBus) -> None:
        super().__init__(bus)
        self.random = random.Random(7)
        self.tasks: list[asyncio.Task[None]] = []
        self.calls: asyncio.Queue[tuple[Callable[[], Awaitable[Any]], asyncio.Future[Any]]] = asyncio.Queue()
        self.reports: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self.under_way: set[asyncio.Future[Any]] = set()

    async def start(self, listener: Listener) -> None:
        await self.travel()
        await super().start(Line(listener, self.reports))
        self.tasks = [asyncio.ensure_future(self.send()), asyncio.ensure_future(self.report())]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []
        for answer in self.under_way:
            if not answer.done():
                answer.set_exception(BrokerUnavailable("stopped"))
        self.calls, self.reports = asyncio.Queue(), asyncio.Queue()
        await super().stop()

    async def travel(self) -> None:
        for _ in range(self.random.randrange(4)):
            await asyncio.sleep(0)

    async def send(self) -> None:
        while True:
            call, answer = await self.calls.get()
            await self.travel()
            try:
                result = await call()
            except BrokerUnavailable as error:
                if not answer.done():
                    answer.set_exception(error)
            else:
                asyncio.get_running_loop().call_soon(settle, answer, result)

    async def report(self) -> None:
        while True:
            report = await self.reports.get()
            await self.travel()
            report()

    async def far(self, call: Callable[[], Awaitable[Result]]) -> Result:
        if not self.tasks:
            raise BrokerUnavailable("not started")
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.under_way.add(answer)
        self.calls.put_nowait((call, answer))
        try:
            return await answer
        finally:
            self.under_way.discard(answer)

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        return await self.far(lambda: MemoryBroker.check(self, needs))

    async def subscribe(self, names: Collection[str]) -> None:
        await self.far(lambda: MemoryBroker.subscribe(self, names))

    async def unsubscribe(self, names: Collection[str]) -> None:
        if self._is_up:
            await self.far(lambda: MemoryBroker.unsubscribe(self, names))
        else:
            await super().unsubscribe(names)

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        return await self.far(lambda: MemoryBroker.publish(self, channel, payload, limits))

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        return await self.far(lambda: MemoryBroker.history(self, channel, since, limit, limits, max_bytes))

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        return await self.far(lambda: MemoryBroker.join(self, channel, connection, member, info, ttl))

    async def leave(self, channel: str, connection: str) -> str | None:
        return await self.far(lambda: MemoryBroker.leave(self, channel, connection))

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        return await self.far(lambda: MemoryBroker.keep(self, channel, connections, ttl))

    async def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        return await self.far(lambda: MemoryBroker.present(self, channel))


def settle(answer: asyncio.Future[Result], result: Result) -> None:
    """Give the answer, unless its caller was cancelled."""
    if not answer.done():
        answer.set_result(result)


class Line:
    """A listener at the other end of a line."""

    def __init__(self, listener: Listener, reports: asyncio.Queue[Callable[[], None]]) -> None:
        self.listener = listener
        self.reports = reports

    def heard(self, subscribed: str, channel: str, entry: Entry) -> None:
        self.reports.put_nowait(lambda: self.listener.heard(subscribed, channel, entry))

    def lost(self, subscribed: Collection[str] | None) -> None:
        self.reports.put_nowait(lambda: self.listener.lost(subscribed))

    def restored(self, subscribed: Collection[str] | None) -> None:
        self.reports.put_nowait(lambda: self.listener.restored(subscribed))
