"""The contract detects brokers that publish twice, never again, or forget where."""

from __future__ import annotations

from emmett.channels.brokers.memory import MemoryBroker
from emmett.channels.brokers.memory_keys import MemoryKeys
from emmett.channels.brokers.port import Limits
from emmett.channels.publication import Position
from tests.testing.brokers.broken import Case, check_finds, parametrize


class Careless(MemoryBroker):
    """Ignores keys."""

    async def publish_once(self, channel: str, payload: bytes, limits: Limits | None, key: str) -> Position | None:
        return await self.publish(channel, payload, limits)


class OwnKeys(MemoryBroker):
    """Knows only the keys of its own node."""

    async def publish_once(self, channel: str, payload: bytes, limits: Limits | None, key: str) -> Position | None:
        self.__dict__.setdefault("keys", MemoryKeys(self.bus.keys._clock))
        shared, self.bus.keys = self.bus.keys, self.__dict__["keys"]
        try:
            return await super().publish_once(channel, payload, limits, key)
        finally:
            self.bus.keys = shared


class AnyChannel(MemoryBroker):
    """Takes a key for that of all channels."""

    async def publish_once(self, channel: str, payload: bytes, limits: Limits | None, key: str) -> Position | None:
        known = self.bus.keys.find("", key)
        if known is not None:
            return known.position
        position = await self.publish(channel, payload, limits)
        self.bus.keys.add("", key, position)
        return position


class Silent(MemoryBroker):
    """Returns no position for a known key."""

    async def publish_once(self, channel: str, payload: bytes, limits: Limits | None, key: str) -> Position | None:
        known = self.bus.keys.find(channel, f"kept {key}")
        return None if known is not None else await super().publish_once(channel, payload, limits, key)


class Unforgetting(MemoryBroker):
    """Never forgets a key."""

    async def publish_once(self, channel: str, payload: bytes, limits: Limits | None, key: str) -> Position | None:
        found = await super().publish_once(channel, payload, limits, key)
        known = self.bus.keys._known
        known.update({name: each._replace(end=1e9) for name, each in known.items()})
        return found


CASES: list[Case] = [
    (
        Careless,
        (
            "test_a_key_publishes_once",
            "test_a_key_without_history",
            "test_a_key_many_times_at_once",
            "test_a_key_whose_publication_is_no_longer_there",
            "test_a_key_whose_answer_was_lost",
        ),
    ),
    (OwnKeys, ("test_a_key_publishes_once",)),
    (AnyChannel, ("test_a_key_is_one_of_its_channel",)),
    (Silent, ("test_a_key_publishes_once",)),
    (Unforgetting, ("test_a_key_is_forgotten",)),
]


@parametrize(CASES)
def test_each_faulty_broker_is_detected(kind: type[MemoryBroker], test: str) -> None:
    check_finds(kind, test)
