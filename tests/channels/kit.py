"""Tools for the tests of channels: sinks and brokers that a test controls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

from emmett.channels import Channels, Position, Publication
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.channels.brokers.port import NO_NEEDS, History, Limits, Listener, Needs
from emmett.channels.sink import Batch, Message
from emmett.channels.subscription import Subscription
from emmett.errors import BrokerRefused, BrokerUnavailable, WebsocketClosed

# Within this many turns of the event loop, what a test waits for must have happened.
TURNS = 20_000


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop turn until a condition holds."""
    for _ in range(TURNS):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition did not come to hold")


async def turns(count: int = 10) -> None:
    """Run many turns of the event loop: enough for unwanted events to happen."""
    for _ in range(count):
        await asyncio.sleep(0)


async def take(feed: Subscription, count: int) -> list[Publication]:
    """Return the next publications of a feed."""
    return [await anext(feed) for _ in range(count)]


async def take_data(feed: Subscription, count: int) -> list[str | bytes]:
    """Return the data of the next publications of a feed."""
    return [publication.data for publication in await take(feed, count)]


class MemorySink:
    """A sink that keeps the messages that it gets.

    Attributes:
        batches: what it took.
        is_stalled: whether it refuses to take anything.
        closed: the code and reason that it was closed with.
    """

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.is_stalled = False
        self.is_accepted = False
        self.closed: tuple[int, str] | None = None
        self.error: Exception | None = None
        self._callbacks: list[Callable[[], None]] = []

    @property
    def messages(self) -> list[Message]:
        """Return all messages that it took."""
        return [message for batch in self.batches for message in batch.messages]

    async def accept(self) -> None:
        self.is_accepted = True

    def deliver(self, batch: Batch) -> bool:
        assert self.is_accepted
        if self.error is not None:
            raise self.error
        if self.closed is not None:
            raise WebsocketClosed(*self.closed)
        if self.is_stalled:
            return False
        self.batches.append(batch)
        return True

    def when_ready(self, callback: Callable[[], None], waiting: Callable[[], int] | None = None) -> None:
        self._callbacks.append(callback)

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def resume(self) -> None:
        """Take publications again."""
        self.is_stalled = False
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            asyncio.get_running_loop().call_soon(callback)


class TestBroker(MemoryBroker):
    """A memory broker that counts its calls, and lets a test hold up or fail them."""

    __test__ = False

    def __init__(self, bus: MemoryBus | None = None) -> None:
        super().__init__(bus)
        self.calls: list[tuple[str, Any]] = []
        # Names of methods whose calls wait until the name is removed, and of those that fail.
        self.gates: dict[str, asyncio.Event] = {}
        self.failing: set[str] = set()
        # Channels to which it permanently refuses to subscribe.
        self.refused: set[str] = set()
        # Errors that these methods raise, one for each call.
        self.start_errors: list[BrokerUnavailable] = []
        self.check_errors: list[BrokerUnavailable] = []
        self.subscribe_errors: list[BrokerUnavailable] = []
        self._answers: asyncio.Event | None = None
        self.at_work = 0
        self.most_at_work = 0

    def close_gate(self, name: str) -> asyncio.Event:
        """Make calls of a method wait; return the event that releases them."""
        self.gates[name] = asyncio.Event()
        return self.gates[name]

    def close_answers(self) -> asyncio.Event:
        """Make histories wait after they are read; return the event that releases them."""
        self._answers = asyncio.Event()
        return self._answers

    async def _enter(self, name: str, argument: Any) -> None:
        self.calls.append((name, argument))
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            if name in self.gates:
                await self.gates[name].wait()
            else:
                await asyncio.sleep(0)
        finally:
            self.at_work -= 1
        if name in self.failing:
            raise BrokerUnavailable(f"{name} fails in this test")

    async def start(self, listener: Listener) -> None:
        await self._enter("start", None)
        if self.start_errors:
            raise self.start_errors.pop(0)
        await super().start(listener)

    async def stop(self) -> None:
        self.calls.append(("stop", None))
        await super().stop()

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        await self._enter("check", needs)
        if self.check_errors:
            raise self.check_errors.pop(0)
        return await super().check(needs)

    async def subscribe(self, names: Collection[str]) -> None:
        await self._enter("subscribe", sorted(names))
        if self.subscribe_errors:
            raise self.subscribe_errors.pop(0)
        if refused := self.refused.intersection(names):
            raise BrokerRefused("some are refused in this test", refused)
        await super().subscribe(names)

    async def unsubscribe(self, names: Collection[str]) -> None:
        await self._enter("unsubscribe", sorted(names))
        await super().unsubscribe(names)

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        await self._enter("history", (channel, since, limit))
        answer = await super().history(channel, since, limit, limits, max_bytes)
        if self._answers is not None:
            await self._answers.wait()
        return answer

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        await self._enter("join", member)
        return await super().join(channel, connection, member, info, ttl)

    async def leave(self, channel: str, connection: str) -> str | None:
        await self._enter("leave", channel)
        return await super().leave(channel, connection)

    def named(self, name: str) -> list[Any]:
        """Return the arguments of all calls of a method."""
        return [argument for each, argument in self.calls if each == name]


async def never(seconds: float) -> None:
    """Sleep forever, so that nothing happens by itself."""
    await asyncio.get_running_loop().create_future()


@contextlib.asynccontextmanager
async def running(broker: MemoryBroker | None = None, linger: float = 0.0, **rooms: Any) -> AsyncIterator[Channels]:
    """Run channels, with options for the namespace `room`, by default with history."""
    channels = Channels(None, broker or TestBroker(), linger=linger, check_interval=3600.0)
    channels.namespace("room", **{"history": 100, **rooms})
    async with channels:
        yield channels


def topics(channels: Channels) -> dict[str, Any]:
    """Return the channels to which the hub of running channels is subscribed."""
    return dict(channels.running().hub.topics)
