"""The contract detects brokers that lose, duplicate or reorder publications, or hear at the wrong time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from emmett.channels.brokers.memory import MemoryBroker
from emmett.channels.brokers.port import Entry, Limits
from emmett.channels.publication import Position
from tests.testing.brokers.broken import (
    Case,
    Deaf,
    Doubling,
    Keeping,
    Late,
    Overheard,
    Swapping,
    check_finds,
    parametrize,
)


class Forgetful(Overheard):
    """Loses every seventh publication."""

    count = 0

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        self.count += 1
        if self.count % 7:
            super().tell(subscribed, channel, entry)


class Positioned(MemoryBroker):
    """Gives a position where there is no history."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        return await super().publish(channel, payload, limits) or Position("x", 0)


class Selfless(Overheard):
    """Does not hear itself."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        self.own = payload
        return await super().publish(channel, payload, limits)

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        if entry.payload is not getattr(self, "own", None):
            super().tell(subscribed, channel, entry)


class Prefixing(MemoryBroker):
    """Hears all channels whose names begin with one that it subscribed to."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        for name in [name for name in self.bus._nodes if channel.startswith(name) and name != channel]:
            self.bus._send(name, Entry(payload, None))
        return await super().publish(channel, payload, limits)


class CaseBlind(MemoryBroker):
    """Takes a channel for another one."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        return await super().publish(channel.lower(), payload, limits)


class Hasty(MemoryBroker):
    """Takes a name that another call asks for as subscribed to already."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.asked: set[str] = set()

    async def subscribe(self, names: Collection[str]) -> None:
        new = set(names) - self.asked
        self.asked |= new
        if new:
            for _ in range(10):
                await asyncio.sleep(0)
            await super().subscribe(new)

    async def unsubscribe(self, names: Collection[str]) -> None:
        self.asked -= set(names)
        await super().unsubscribe(names)


class Twice(MemoryBroker):
    """Subscribes again to what it is subscribed to."""

    async def subscribe(self, names: Collection[str]) -> None:
        self._subscribed.update(names)
        self.bus._add(self, names)


class Strict(MemoryBroker):
    """Insists on names that it knows."""

    async def unsubscribe(self, names: Collection[str]) -> None:
        assert set(names) <= self._subscribed
        await super().unsubscribe(names)


class Textual(Overheard):
    """Takes payloads for text."""

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        payload = entry.payload.decode(errors="replace").encode()
        super().tell(subscribed, channel, entry._replace(payload=payload))


class Cutting(Overheard):
    """Cuts large payloads."""

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        super().tell(subscribed, channel, entry._replace(payload=entry.payload[: 2**19]))


class Batching(MemoryBroker):
    """Subscribes to one batch of the names."""

    async def subscribe(self, names: Collection[str]) -> None:
        await super().subscribe(list(names)[:500])


class Once(MemoryBroker):
    """Can subscribe to a name only once."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.before: set[str] = set()

    async def subscribe(self, names: Collection[str]) -> None:
        await super().subscribe(set(names) - self.before)
        self.before |= set(names)


class Hanging(MemoryBroker):
    """Never answers."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        await asyncio.Event().wait()
        raise AssertionError


CASES: list[Case] = [
    (Deaf, ("test_what_is_published_is_heard", "test_every_node_hears_it_once", "test_subscribe_again")),
    (Doubling, ("test_what_is_published_is_heard", "test_every_node_hears_it_once", "test_order_and_number")),
    (Swapping, ("test_order_and_number", "test_order_of_many_publishers")),
    (Late, ("test_heard_from_the_return_of_subscribe_on",)),
    (Forgetful, ("test_heard_without_a_gap_from_subscribe_on", "test_a_thousand_channels_at_once")),
    (Keeping, ("test_unsubscribe", "test_subscribe_again", "test_a_thousand_channels_at_once")),
    (Positioned, ("test_what_is_published_is_heard",)),
    (Selfless, ("test_every_node_hears_it_once", "test_what_is_published_is_heard")),
    (Prefixing, ("test_nobody_hears_what_nobody_subscribed_to",)),
    (CaseBlind, ("test_nobody_hears_what_nobody_subscribed_to",)),
    (Hasty, ("test_a_second_call_of_subscribe_waits_for_the_first",)),
    (Twice, ("test_subscribing_twice_is_subscribing_once",)),
    (Strict, ("test_unknown_names_are_ignored",)),
    (Textual, ("test_payloads_arrive_as_they_are",)),
    (Cutting, ("test_payloads_arrive_as_they_are",)),
    (Batching, ("test_a_thousand_channels_at_once",)),
    (Once, ("test_subscribe_again",)),
    (Hanging, ("test_what_is_published_is_heard",)),
]


@parametrize(CASES)
def test_each_faulty_broker_is_detected(kind: type[MemoryBroker], test: str) -> None:
    check_finds(kind, test)
