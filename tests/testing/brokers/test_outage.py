"""The contract detects brokers that do not recover from an outage, or recover wrongly."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from emmett.channels.brokers.memory import MemoryBroker
from emmett.channels.brokers.memory_history import MemoryLog
from emmett.channels.brokers.port import NO_NEEDS, Limits, Listener, Needs
from emmett.channels.publication import Position
from emmett.errors import BrokerUnavailable, UsageError
from tests.testing.brokers.broken import Case, Overheard, all_logs, check_finds, parametrize


class Confident(MemoryBroker):
    """Starts without a server."""

    async def start(self, listener: Listener) -> None:
        was_cut, self.bus.is_cut = self.bus.is_cut, False
        await super().start(listener)
        self.bus.is_cut = was_cut


class Trying(MemoryBroker):
    """Keeps trying to start after it has reported a failure."""

    async def start(self, listener: Listener) -> None:
        try:
            await super().start(listener)
        except BrokerUnavailable:
            self.task = asyncio.ensure_future(asyncio.sleep(60))
            raise


class Hanging(MemoryBroker):
    """Waits for the server, however long it takes."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        while self.bus.is_cut:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return await super().publish(channel, payload, limits)


class Raw(MemoryBroker):
    """Raises what its library raises."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        if self.bus.is_cut:
            raise ConnectionResetError("by peer")
        return await super().publish(channel, payload, limits)


class Swallowing(MemoryBroker):
    """Loses publications without a word while the server is away."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        return None if self.bus.is_cut else await super().publish(channel, payload, limits)


class Wishful(MemoryBroker):
    """Raises from `subscribe`, but still subscribes when the server is back."""

    async def subscribe(self, names: Collection[str]) -> None:
        if self.bus.is_cut:
            self._subscribed.update(names)
        await super().subscribe(names)


class Bound(MemoryBroker):
    """Needs the server in order to unsubscribe."""

    async def unsubscribe(self, names: Collection[str]) -> None:
        if self.bus.is_cut:
            raise BrokerUnavailable("away")
        await super().unsubscribe(names)


class Sticky(MemoryBroker):
    """Does not note what was left while the server was away."""

    async def unsubscribe(self, names: Collection[str]) -> None:
        if not self.bus.is_cut:
            await super().unsubscribe(names)


class Discreet(Overheard):
    """Does not report losses."""

    def tell_lost(self) -> None:
        pass


class Mute(Overheard):
    """Does not report that it is back."""

    def tell_restored(self) -> None:
        pass


class Partial(Overheard):
    """Reports that everything is restored too early, and restores only a part."""

    def _refresh(self) -> None:
        if not self.bus.is_cut:
            self._subscribed = set(sorted(self._subscribed)[: len(self._subscribed) // 2])
        super()._refresh()


class Patternless(Overheard):
    """Comes back without patterns."""

    def _refresh(self) -> None:
        if not self.bus.is_cut:
            self._subscribed = {name for name in self._subscribed if not name.endswith("*")}
        super()._refresh()


class Premature(Overheard):
    """Reports that everything is restored a moment too early."""

    def _refresh(self) -> None:
        if self.bus.is_cut:
            super()._refresh()
            return
        names, self._subscribed = self._subscribed, set()
        super()._refresh()
        asyncio.get_running_loop().call_later(0.05, self.arrive, names)

    def arrive(self, names: set[str]) -> None:
        self._subscribed |= names
        self.bus._add(self, names)


class Doubled(MemoryBroker):
    """Subscribes twice when it comes back."""

    def _refresh(self) -> None:
        super()._refresh()
        if not self.bus.is_cut:
            self.bus._add(self, self._subscribed)


class Rewinding(MemoryBroker):
    """Its server comes back with older data, and goes on in the same epoch."""

    def _refresh(self) -> None:
        super()._refresh()
        if not self.bus.is_cut:
            for log in all_logs(self.bus).values():
                rewind(log)


def rewind(log: MemoryLog) -> None:
    log.top = max(log.top - 2, 0)
    for _ in range(min(2, len(log.entries or ()))):
        assert log.entries
        log.entries.pop()


class Lossy(MemoryBroker):
    """Its server comes back without history, and counts on in the same epoch, as if nothing were missing."""

    def _refresh(self) -> None:
        super()._refresh()
        if not self.bus.is_cut:
            for log in all_logs(self.bus).values():
                log.entries = None
                log.top = 0


class Ghostly(MemoryBroker):
    """Counts a connection that joins again a second time."""

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        room = self.bus.rooms._rooms.get(channel)
        again = "again" if room is not None and connection in room.connections else ""
        return await super().join(channel, connection + again, member, info, ttl)


class Lingering(MemoryBroker):
    """Goes on connecting after its stop."""

    async def stop(self) -> None:
        await super().stop()
        if self.bus.is_cut:
            self.task = asyncio.ensure_future(asyncio.sleep(60))


class Reporting(Overheard):
    """Reports to its listener after its stop."""

    def _refresh(self) -> None:
        super()._refresh()
        if self._listener is None and not self.bus.is_cut:
            self.listener.restored(None)

    async def stop(self) -> None:
        brokers = self.bus._brokers
        await super().stop()
        brokers[self] = None


class Cancelled(MemoryBroker):
    """Cancels calls that are under way when the server goes."""

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        await asyncio.sleep(0)
        if self.bus.is_cut:
            raise asyncio.CancelledError
        return await super().check(needs)


class Misused(MemoryBroker):
    """Blames the caller for an outage that comes while a call is under way."""

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        await asyncio.sleep(0)
        if self.bus.is_cut:
            raise UsageError("not connected")
        return await super().check(needs)


UNDER_WAY = "test_calls_under_way_when_the_server_goes"
AWAY = "test_calls_while_the_server_is_away"
HISTORY = "test_history_after_an_outage_is_never_silently_wrong"
CASES: list[Case] = [
    (Confident, ("test_start_without_a_server",)),
    (Trying, ("test_start_without_a_server",)),
    (Hanging, (AWAY, UNDER_WAY)),
    (Raw, (AWAY, UNDER_WAY)),
    (Swallowing, (AWAY,)),
    (Wishful, (AWAY,)),
    (Cancelled, (UNDER_WAY,)),
    (Misused, (UNDER_WAY,)),
    (Discreet, ("test_lost_and_restored",)),
    (Mute, ("test_lost_and_restored", "test_heard_from_restored_on", "test_presence_after_an_outage")),
    (Partial, ("test_lost_and_restored", "test_heard_from_restored_on")),
    (Patternless, ("test_lost_and_restored",)),
    (Premature, ("test_heard_from_restored_on",)),
    (Doubled, ("test_lost_and_restored",)),
    (Bound, ("test_unsubscribe_while_the_server_is_away",)),
    (Sticky, ("test_unsubscribe_while_the_server_is_away",)),
    (Rewinding, (HISTORY, "test_publishers_that_try_again")),
    (Lossy, (HISTORY, "test_publishers_that_try_again")),
    (Ghostly, ("test_presence_after_an_outage",)),
    (Lingering, ("test_stop_while_the_server_is_away", "test_stop_while_the_server_does_not_answer")),
    (Hanging, ("test_a_server_that_does_not_answer", "test_stop_while_the_server_does_not_answer")),
    (Raw, ("test_a_server_that_does_not_answer",)),
    (Confident, ("test_a_server_that_does_not_answer",)),
    (Reporting, ("test_stop_while_the_server_is_away",)),
]


@parametrize(CASES)
def test_each_faulty_broker_is_detected(kind: type[MemoryBroker], test: str) -> None:
    try:
        check_finds(kind, test)
    except (UsageError, BrokerUnavailable) as error:
        pytest.fail(f"it was detected by {error!r}, not by an assertion")
