"""The broker for a single process: nothing to install, and the reference for the promises of the port."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from ...errors import BrokerUnavailable, UsageError
from ...token_buckets import TokenBuckets
from ..publication import Position
from .memory_history import MemoryHistories
from .memory_keys import MemoryKeys
from .memory_leases import MemoryLeases
from .memory_presence import MemoryRooms
from .port import NO_NEEDS, Entry, History, Limits, Listener, Needs

# Publications that may wait to be reported before publishers wait for the next turn of the event loop. Otherwise a
# publisher that never waits for anything else would fill the memory, and no subscriber would hear it.
MAX_WAITING = 256

logger = logging.getLogger("emmett.channels")

# A report: for which broker and listener, and the event. For a publication, the subscription that matched and the
# channel; for other events, `_LOST` or `_RESTORED` in place of the channel.
_Report = tuple["MemoryBroker", Listener, str, str, Entry]
_LOST, _RESTORED = "lost", "restored"
_NO_ENTRY = Entry(b"", None)


class MemoryBus:
    """Connects brokers in memory: each broker with the same bus is a node of its own, all on one event loop.

    Nothing is reported inside a call: publications are queued, and all that have been queued are reported in one
    callback in the next turn of the event loop. This keeps them in the order of the calls, never calls a listener in
    the middle of one of its own calls, and needs neither a task nor a callback per publication.

    Arguments:
        clock: returns the time in seconds, by which history and presence expire.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.histories = MemoryHistories(clock, self._is_subscribed)
        self.rooms = MemoryRooms(clock)
        self.buckets = TokenBuckets(clock)
        self.leases = MemoryLeases(clock)
        self.keys = MemoryKeys(clock)
        self.is_cut = False
        # The subscribed brokers, by name or pattern.
        self._nodes: dict[str, list[MemoryBroker]] = {}
        self._patterns = 0
        self._brokers: dict[MemoryBroker, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[_Report] = []

    def cut(self) -> None:
        """Be away for all nodes, like a killed server, until `mend`."""
        self.is_cut = True
        for broker in self._brokers:
            broker._refresh()

    def mend(self) -> None:
        """Be available again."""
        self.is_cut = False
        for broker in self._brokers:
            broker._refresh()

    def forget(self) -> None:
        """Lose history and presence, like a server that restarts without its data: a new epoch begins."""
        self.histories.forget()
        self.rooms.forget()
        self.keys.forget()

    def _attach(self, broker: MemoryBroker) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None and self._brokers and not self._loop.is_closed():
                raise UsageError("brokers that share a MemoryBus run on one event loop, and another one is in use")
            # The loop of an earlier run was closed; its brokers are gone.
            for left in list(self._brokers):
                self._detach(left)
            self._loop = loop
            self._waiting = []
        self._brokers[broker] = None

    def _detach(self, broker: MemoryBroker) -> None:
        self._brokers.pop(broker, None)
        self._remove(broker, broker._subscribed)

    def _add(self, broker: MemoryBroker, names: Collection[str]) -> None:
        for name in names:
            self._nodes.setdefault(name, []).append(broker)
            self._patterns += name.endswith(":*")

    def _remove(self, broker: MemoryBroker, names: Collection[str]) -> None:
        for name in names:
            nodes = self._nodes.get(name, [])
            if broker in nodes:
                nodes.remove(broker)
                self._patterns -= name.endswith(":*")
                if not nodes:
                    del self._nodes[name]

    def _is_subscribed(self, channel: str) -> bool:
        return channel in self._nodes

    def _send(self, channel: str, entry: Entry) -> None:
        for node in self._nodes.get(channel, ()):
            node._take(channel, channel, entry)
        if self._patterns:
            end = channel.find(":")
            while end >= 0:
                pattern = channel[: end + 1] + "*"
                for node in self._nodes.get(pattern, ()):
                    node._take(pattern, channel, entry)
                end = channel.find(":", end + 1)

    def _report(self, report: _Report) -> None:
        if not self._waiting and self._loop is not None:
            self._loop.call_soon(self._report_all)
        self._waiting.append(report)

    def _report_all(self) -> None:
        reports, self._waiting = self._waiting, []
        for broker, listener, subscribed, channel, entry in reports:
            # The broker may have been stopped and started again for another listener.
            if broker._listener is not listener:
                continue
            try:
                if entry is not _NO_ENTRY:
                    if subscribed in broker._subscribed:
                        listener.heard(subscribed, channel, entry)
                elif channel is _LOST:
                    listener.lost(None)
                else:
                    listener.restored(None)
            except Exception:
                logger.exception("a listener of the memory broker failed, which must not happen")


class MemoryBroker:
    """A broker in the memory of this process.

    For tests, it can simulate faults: `cut` and `mend` the connection of this node, `drop` publications, and those of
    the bus.

    Arguments:
        bus: the bus to share with other nodes of this process; None for a separate bus.
    """

    def __init__(self, bus: MemoryBus | None = None) -> None:
        self.bus = MemoryBus() if bus is None else bus
        self._listener: Listener | None = None
        self._subscribed: set[str] = set()
        # The connection of this node was cut, not that of all nodes.
        self._is_cut = False
        # Calls succeed and publications arrive.
        self._is_up = False
        # How many of the next publications to lose.
        self._to_drop = 0

    async def start(self, listener: Listener) -> None:
        """Join the bus. See `Broker.start`, as for every method here."""
        if self._listener is not None:
            raise UsageError("the memory broker has already started")
        if self._is_cut or self.bus.is_cut:
            raise _unavailable("it was cut off")
        self.bus._attach(self)
        self._listener = listener
        self._is_up = True

    async def stop(self) -> None:
        self.bus._detach(self)
        self._subscribed.clear()
        self._listener = None
        self._is_up = False

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        begin = time.perf_counter()
        self._require()
        return time.perf_counter() - begin

    async def subscribe(self, names: Collection[str]) -> None:
        self._require()
        new = set(names) - self._subscribed
        self._subscribed |= new
        self.bus._add(self, new)

    async def unsubscribe(self, names: Collection[str]) -> None:
        self.bus._remove(self, names)
        self._subscribed.difference_update(names)

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        bus = self.bus
        # Before anything is done, so that a publish that is cancelled here has not happened.
        while len(bus._waiting) >= MAX_WAITING and self._is_up:  # noqa: ASYNC110 - one turn of the loop is enough
            await asyncio.sleep(0)
        if not self._is_up:
            self._require()
        entry = Entry(payload, None) if limits is None else bus.histories.append(channel, payload, limits)
        bus._send(channel, entry)
        return entry.position

    async def publish_once(self, channel: str, payload: bytes, limits: Limits | None, key: str) -> Position | None:
        self._require()
        # With and without history they are different keys.
        key = f"{'live' if limits is None else 'kept'} {key}"
        # Calls with one key take turns.
        async with self.bus.keys.turn(channel, key):
            known = self.bus.keys.find(channel, key)
            if known is not None:
                return known.position
            position = await self.publish(channel, payload, limits)
            self.bus.keys.add(channel, key, position)
            return position

    async def remove_history(self, channel: str, limits: Limits) -> None:
        self._require()
        self.bus.histories.remove(channel)

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        self._require()
        return self.bus.histories.read(channel, since, limit, limits, max_bytes)

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        self._require()
        return self.bus.rooms.join(channel, connection, member, info, ttl)

    async def leave(self, channel: str, connection: str) -> str | None:
        self._require()
        return self.bus.rooms.leave(channel, connection)

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        self._require()
        return self.bus.rooms.keep(channel, connections, ttl)

    async def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        self._require()
        return self.bus.rooms.present(channel)

    async def take(self, bucket: str, calls: int, period: float) -> float:
        self._require()
        return self.bus.buckets.take(bucket, calls, period)

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        self._require()
        return self.bus.leases.hold(lease, holder, ttl)

    async def release(self, lease: str, holder: str) -> None:
        self._require()
        self.bus.leases.release(lease, holder)

    def cut(self) -> None:
        """Cut this node off until `mend`: its calls raise, and it misses what others publish."""
        self._is_cut = True
        self._refresh()

    def mend(self) -> None:
        """Reconnect this node: its subscriptions are restored, and its listener is notified."""
        self._is_cut = False
        self._refresh()

    def drop(self, count: int = 1) -> None:
        """Lose the next publications for this node, without notifying the listener."""
        self._to_drop += count

    def _refresh(self) -> None:
        """Apply a change of `is_cut` of this node or of the bus."""
        is_up = self._listener is not None and not (self._is_cut or self.bus.is_cut)
        if self._listener is None or is_up is self._is_up:
            return
        self._is_up = is_up
        if is_up:
            self.bus._add(self, self._subscribed)
        else:
            self.bus._remove(self, self._subscribed)
        self.bus._report((self, self._listener, "", _RESTORED if is_up else _LOST, _NO_ENTRY))

    def _take(self, subscribed: str, channel: str, entry: Entry) -> None:
        if self._to_drop:
            self._to_drop -= 1
        elif self._listener is not None:
            self.bus._report((self, self._listener, subscribed, channel, entry))

    def _require(self) -> None:
        if not self._is_up:
            raise _unavailable("it was cut off" if self._listener is not None else "it is not started")


def _unavailable(why: str) -> BrokerUnavailable:
    return BrokerUnavailable(f"the memory broker does not answer: {why}")
