"""The contract detects brokers whose history is wrong, or hides missing publications."""

from __future__ import annotations

import itertools

import pytest

from emmett.channels.brokers.memory import MemoryBroker
from emmett.channels.brokers.port import Entry, History, Limits
from emmett.channels.publication import Position
from tests.testing.brokers.broken import Case, Overheard, Right, Swapping, all_logs, check_finds, parametrize


class Reading(MemoryBroker):
    """Gives wrong answers; subclasses define how."""

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        asked = self.ask(since, limit, limits)
        return self.answer(await super().history(channel, *asked), since, limit)

    def ask(
        self, since: Position | None, limit: int | None, limits: Limits
    ) -> tuple[Position | None, int | None, Limits]:
        return since, limit, limits

    def answer(self, found: History, since: Position | None, limit: int | None) -> History:
        return found


class FromZero(Reading):
    """Counts from 0."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        position = await super().publish(channel, payload, limits)
        return position and Position(position.epoch, position.offset - 1)


class Optimist(Reading):
    """Says that nothing is missing."""

    def answer(self, found: History, since: Position | None, limit: int | None) -> History:
        return found._replace(complete=True)


class Pessimist(Reading):
    """Says that something is missing."""

    def answer(self, found: History, since: Position | None, limit: int | None) -> History:
        return found._replace(complete=False)


class Including(Reading):
    """Begins with the position asked for."""

    def ask(
        self, since: Position | None, limit: int | None, limits: Limits
    ) -> tuple[Position | None, int | None, Limits]:
        return since and Position(since.epoch, max(since.offset - 1, 0)), limit, limits


class Oldest(Reading):
    """Gives the oldest where the newest are asked for."""

    def ask(
        self, since: Position | None, limit: int | None, limits: Limits
    ) -> tuple[Position | None, int | None, Limits]:
        return since, None if since is None else limit, limits

    def answer(self, found: History, since: Position | None, limit: int | None) -> History:
        return found._replace(entries=found.entries[:limit])


class Newest(Reading):
    """Gives the newest where the next are asked for."""

    def ask(
        self, since: Position | None, limit: int | None, limits: Limits
    ) -> tuple[Position | None, int | None, Limits]:
        return since, None, limits

    def answer(self, found: History, since: Position | None, limit: int | None) -> History:
        return found if limit is None else found._replace(entries=found.entries[-limit:])


class Unlimited(Reading):
    """Takes a limit of 0 for none."""

    def ask(
        self, since: Position | None, limit: int | None, limits: Limits
    ) -> tuple[Position | None, int | None, Limits]:
        return since, limit or None, limits


class TopOfEntries(Reading):
    """Takes the last entry of the answer for the top."""

    def answer(self, found: History, since: Position | None, limit: int | None) -> History:
        last = found.entries[-1].position if found.entries else None
        return found._replace(top=last or Position(found.top.epoch, 0))


class Nothing(Reading):
    """Gives nothing where the position is not of this history."""

    def answer(self, found: History, since: Position | None, limit: int | None) -> History:
        return found if found.complete else found._replace(entries=[])


class Trusting(Reading):
    """Believes positions beyond the top."""

    def answer(self, found: History, since: Position | None, limit: int | None) -> History:
        if since is not None and since.epoch == found.top.epoch and since.offset > found.top.offset:
            return History([], found.top, True)
        return found


class EpochBlind(Reading):
    """Does not look at the epoch."""

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        top = (await super().history(channel, None, 0, limits)).top
        return await super().history(channel, since and Position(top.epoch, since.offset), limit, limits)


class Small(Reading):
    """Counts in numbers that positions may exceed."""

    def answer(self, found: History, since: Position | None, limit: int | None) -> History:
        (0 if since is None else since.offset).to_bytes(7)
        return found


class Hoarding(MemoryBroker):
    """Trims nothing."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        return await super().publish(channel, payload, limits and Limits(10**6, 10**6))

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        return await super().history(channel, since, limit, Limits(10**6, 10**6))


class Prolonging(Hoarding):
    """All of a channel lives as long as the newest of it."""

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        found = await super().history(channel, since, limit, limits)
        log = all_logs(self.bus)[channel]
        if log.entries and log.entries[-1][0] + limits.ttl <= self.bus.histories._clock():
            log.entries = None
        return found


class Ephemeral(MemoryBroker):
    """Forgets epoch and counter of a channel with its last entry, or when it had none."""

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        found = await super().history(channel, since, limit, limits)
        if limit is None and since is None and not found.entries:
            self.bus.histories._quiet.pop(channel, None)
            self.bus.histories._busy.pop(channel, None)
        return found


class Resetting(MemoryBroker):
    """Counts from 1 again, in the same epoch, when everything has expired: positions become ambiguous."""

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        found = await super().history(channel, since, limit, limits)
        log = all_logs(self.bus)[channel]
        if found.top.offset and since is None and limit is None and not found.entries:
            log.top, log.entries = 0, None
        return found


class Pageless(MemoryBroker):
    """Returns everything, whatever `max_bytes` is."""

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        return await super().history(channel, since, limit, limits)


class TwoMinds(MemoryBroker):
    """Each node has epochs of its own."""

    numbers = itertools.count()

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.number = next(self.numbers)

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        found = await super().history(channel, since, limit, limits)
        return found._replace(top=Position(f"{found.top.epoch}-{self.number}", found.top.offset))


class OneCounter(MemoryBroker):
    """Counts all channels together."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        return await super().publish("all" if limits else channel, payload, limits)


class KeepsAll(MemoryBroker):
    """Keeps also what is published without limits."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        position = await super().publish(channel, payload, limits or Limits(1000, 600.0))
        return limits and position


class Unplaced(Overheard):
    """Does not report positions to listeners."""

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        super().tell(subscribed, channel, Entry(entry.payload, None))


class FirstSize(MemoryBroker):
    """Keeps to the first limits that it saw."""

    first: Limits | None = None

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        FirstSize.first = FirstSize.first or limits
        return await super().publish(channel, payload, limits and FirstSize.first)

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        return await super().history(channel, since, limit, FirstSize.first or limits)


class LateHistory(MemoryBroker):
    """Notes a publication in the history some time after it was sent."""

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        found = await super().history(channel, since, limit, limits)
        if len(found.entries) < 2:
            return found
        entries = found.entries[:-1]
        last = entries[-1].position
        assert last is not None
        return History(entries, last, found.complete)


POSITIONS = "test_positions_that_are_not_of_this_history"


class Hoarder(MemoryBroker):
    """Removes nothing."""

    async def remove_history(self, channel: str, limits: Limits) -> None:
        pass


class Amnesiac(MemoryBroker):
    """Removes the position, too."""

    async def remove_history(self, channel: str, limits: Limits) -> None:
        self.bus.histories.forget()


CASES: list[Case] = [
    (Hoarder, ("test_a_removed_history",)),
    (Amnesiac, ("test_a_removed_history",)),
    (FromZero, ("test_offsets_are_consecutive_from_one_on", "test_publish_history_and_listeners_tell_the_same")),
    (OneCounter, ("test_offsets_are_consecutive_from_one_on",)),
    (Pageless, ("test_history_in_pages_of_some_bytes",)),
    (Unplaced, ("test_publish_history_and_listeners_tell_the_same",)),
    (LateHistory, ("test_publish_history_and_listeners_tell_the_same", "test_history_and_live_leave_no_gap")),
    (Including, ("test_since_and_limit", "test_history_is_trimmed_to_its_size")),
    (Oldest, ("test_since_and_limit",)),
    (Newest, ("test_since_and_limit",)),
    (Pessimist, ("test_since_and_limit", "test_the_position_of_an_empty_channel_is_good_later")),
    (Unlimited, ("test_a_limit_of_nothing_asks_for_the_top",)),
    (TopOfEntries, ("test_a_limit_of_nothing_asks_for_the_top", "test_since_and_limit")),
    (Ephemeral, ("test_the_position_of_an_empty_channel_is_good_later",)),
    (TwoMinds, ("test_the_position_of_an_empty_channel_is_good_later", "test_two_nodes_ask_first")),
    (Hoarding, ("test_history_is_trimmed_to_its_size", "test_history_of_one", "test_limits_may_become_narrower")),
    (Hoarding, ("test_history_expires_and_its_position_lives_on", "test_each_publication_has_a_time_of_its_own")),
    (Prolonging, ("test_each_publication_has_a_time_of_its_own",)),
    (Ephemeral, ("test_history_expires_and_its_position_lives_on",)),
    (Resetting, ("test_history_expires_and_its_position_lives_on",)),
    (Optimist, ("test_history_is_trimmed_to_its_size", "test_history_of_one", POSITIONS)),
    (Optimist, ("test_history_expires_and_its_position_lives_on",)),
    (Nothing, ("test_history_is_trimmed_to_its_size", POSITIONS)),
    (Trusting, (POSITIONS,)),
    (EpochBlind, (POSITIONS,)),
    (FirstSize, ("test_limits_may_become_narrower",)),
    (KeepsAll, ("test_what_is_published_without_limits_is_in_no_history",)),
    (Swapping, ("test_many_publishers_have_one_order",)),
    (Unplaced, ("test_many_publishers_have_one_order",)),
]


@parametrize(CASES)
def test_each_faulty_broker_is_detected(kind: type[MemoryBroker], test: str) -> None:
    check_finds(kind, test)


def test_a_broker_whose_numbers_are_too_small_is_detected() -> None:
    """It raises its own error, which appears in the report as it is."""
    contract = Right()
    contract.kind = Small
    with pytest.raises(OverflowError):
        contract.test_positions_that_are_not_of_this_history()
