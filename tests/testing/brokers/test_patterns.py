"""The contract detects brokers that misinterpret names."""

from __future__ import annotations

import fnmatch
import unicodedata
from collections.abc import Collection, Mapping

from emmett.channels.brokers.memory import MemoryBroker
from emmett.channels.brokers.port import Entry, History, Limits
from emmett.channels.publication import Position
from tests.testing.brokers.broken import Case, Deaf, Late, Overheard, Swapping, check_finds, parametrize


class Globbing(MemoryBroker):
    """Hears by globs what it subscribed to, as PSUBSCRIBE of Redis does without quoting."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        self._require()
        for name in list(self.bus._nodes):
            if fnmatch.fnmatchcase(channel, name):
                for node in self.bus._nodes[name]:
                    node._take(name, channel, Entry(payload, None))
        return None


class Shallow(Overheard):
    """Its patterns match one level, like `*` of NATS."""

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        if subscribed == channel or ":" not in channel.removeprefix(subscribed.removesuffix("*")):
            super().tell(subscribed, channel, entry)


class Colonless(MemoryBroker):
    """Its patterns match all names that begin like the group."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        for name in list(self.bus._nodes):
            group = name.removesuffix(":*")
            if name != group and channel.startswith(group) and not channel.startswith(group + ":"):
                for node in self.bus._nodes[name]:
                    node._take(name, channel, Entry(payload, None))
        return await super().publish(channel, payload, limits)


class Wide(MemoryBroker):
    """Hears the whole group for a group within it."""

    async def subscribe(self, names: Collection[str]) -> None:
        await super().subscribe([name.split(":")[0] + ":*" if name.endswith(":*") else name for name in names])


class Merging(Overheard):
    """Reports a publication once for all of its subscriptions."""

    last: Entry | None = None

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        if entry is not self.last:
            super().tell(subscribed, channel, entry)
        self.last = entry


class Named(Overheard):
    """Reports the channel where the pattern should be."""

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        super().tell(channel, channel, entry)


class Escaping(MemoryBroker):
    """Replaces characters that its server does not take, and finds the wrong ones again."""

    @staticmethod
    def escaped(name: str) -> str:
        return unicodedata.normalize("NFC", name).replace(".", "_")

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        return await super().publish(self.escaped(channel), payload, limits)

    async def subscribe(self, names: Collection[str]) -> None:
        await super().subscribe([self.escaped(name) for name in names])

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        return await super().history(self.escaped(channel), since, limit, limits)

    async def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        return await super().present(self.escaped(channel))


CASES: list[Case] = [
    (Globbing, ("test_every_character_stands_for_itself", "test_every_character_stands_for_itself_in_a_pattern")),
    (Shallow, ("test_colons_anywhere", "test_a_pattern_stands_for_its_group", "test_a_pattern_within_a_group")),
    (Colonless, ("test_colons_anywhere", "test_a_pattern_stands_for_its_group", "test_a_pattern_within_a_group")),
    (Wide, ("test_a_pattern_within_a_group",)),
    (Merging, ("test_each_subscription_reports",)),
    (Named, ("test_a_pattern_stands_for_its_group", "test_each_subscription_reports")),
    (
        Escaping,
        (
            "test_every_character_stands_for_itself",
            "test_every_character_stands_for_itself_in_a_pattern",
            "test_every_character_stands_for_itself_in_history_and_presence",
        ),
    ),
    (Late, ("test_a_pattern_hears_from_subscribe_on",)),
    (Deaf, ("test_a_pattern_hears_from_subscribe_on",)),
    (Swapping, ("test_order_below_a_pattern",)),
]


@parametrize(CASES)
def test_each_faulty_broker_is_detected(kind: type[MemoryBroker], test: str) -> None:
    check_finds(kind, test)
