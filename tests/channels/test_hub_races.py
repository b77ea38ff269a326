"""Subscribe, unsubscribe, add, remove, disconnect, publish, a broker that goes and comes, in any order that is found.

Each subscriber is held to one thing: of every channel it saw each publication once and in order, from the moment it had
subscribed or from its position on; or was told a gap where it did not. In the end nothing is left in the hub.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from emmett.channels import Channels, Position, as_json
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.channels.names import covers, is_pattern
from emmett.errors import BrokerUnavailable
from tests.channels.kit import MemorySink, until

ROOMS = ["room:1", "room:2"]
NAMES = [["room:1"], ["room:1", "room:2"], ["room:*"], ["room:1", "room:*"], ["ticks"], ["ticks", "room:2"]]
HISTORY = 20


class Subscriber:
    """A subscriber that records publications: kind, channel, data and position.

    Arguments:
        channels: the channels to which it subscribes.
        names: to what.
        since: by channel a position.
        is_socket: publications go to a sink.
        member: who it is.
    """

    def __init__(
        self, channels: Channels, names: list[str], since: dict[str, Any], is_socket: bool, member: str | None
    ) -> None:
        self.names = names
        self.since = since
        self.sink = MemorySink() if is_socket else None
        self.heard: list[tuple[str, str, str, str | None]] = []
        # Where it began, set once it has subscribed.
        self.began: dict[str, Position] | None = None
        # The number of ticks at that time.
        self.ticks = 0
        self.recovered: bool | None = None
        # Channels that it has removed, with its position in them.
        self.removed: dict[str, Position] = {}
        self.reading = asyncio.Event()
        self.reading.set()
        options: dict[str, Any] = {} if self.sink is None else {"deliver": self.sink, "encode": as_json}
        self.subscription = channels.subscribe(*names, since=since, member=member, **options)

    async def run(self, world: World) -> None:
        """Subscribe, and read until cancelled."""
        try:
            async with self.subscription as feed:
                self.began = {**feed.positions, **self.since}
                self.ticks = world.numbers["ticks"]
                self.recovered = feed.recovered
                if self.sink is not None:
                    await asyncio.get_running_loop().create_future()
                async for publication in feed:
                    position = None if publication.position is None else str(publication.position)
                    self.heard.append((publication.kind.value, publication.channel, str(publication.data), position))
                    await self.reading.wait()
        except BrokerUnavailable:
            pass

    async def change(self, channel: str) -> None:
        """Remove a channel, or add it again where it was."""
        if channel in self.removed:
            try:
                await self.subscription.add(channel, since=self.removed[channel])
            except BrokerUnavailable:
                return
            del self.removed[channel]
            self.names = [*self.names, channel]
        elif channel in self.names:
            self.removed[channel] = self.subscription.positions[channel]
            self.names = [name for name in self.names if name != channel]
            await self.subscription.remove(channel)

    def all_heard(self) -> list[tuple[str, str, str, str | None]]:
        """Return everything that it got."""
        if self.sink is None:
            return self.heard
        told = [json.loads(message) for message in self.sink.messages]
        return [(each["type"], each["channel"], each["data"], each["position"]) for each in told]

    def hears(self, channel: str) -> bool:
        """Return whether it is subscribed to a channel, by its name or by a pattern."""
        return any(name == channel or (is_pattern(name) and covers(name, channel)) for name in self.names)

    def has_heard(self, channel: str, data: str) -> bool:
        return any(each[1] == channel and each[2] == data for each in self.all_heard())


class World:
    """Two nodes on one bus; the subscribers are on the first, whose connection comes and goes."""

    def __init__(self) -> None:
        self.bus = MemoryBus()
        self.broker = MemoryBroker(self.bus)
        self.here = self._channels(self.broker)
        self.there = self._channels(MemoryBroker(self.bus))
        self.numbers = dict.fromkeys([*ROOMS, "ticks"], 0)
        # What was published to each channel.
        self.log: dict[tuple[str, str], str] = {}
        self.subscribers: list[tuple[Subscriber, asyncio.Task[None]]] = []
        self.gone: list[Subscriber] = []

    def _channels(self, broker: MemoryBroker) -> Channels:
        channels = Channels(None, broker, linger=0.0, check_interval=3600.0)
        channels.namespace("room", history=HISTORY, presence=True, queue_messages=8, slow="drop_oldest")
        return channels

    async def publish(self, channel: str) -> str:
        self.numbers[channel] += 1
        data = str(self.numbers[channel])
        position = await self.there.publish(channel, data)
        if position is not None:
            self.log[channel, str(position)] = data
        return data

    def subscribe(self, names: list[str], since: dict[str, Any], is_socket: bool, member: str | None) -> None:
        subscriber = Subscriber(self.here, names, since, is_socket, member)
        self.subscribers.append((subscriber, asyncio.get_running_loop().create_task(subscriber.run(self))))

    async def until_entered(self) -> None:
        """Wait until all have subscribed or been refused."""
        await until(lambda: all(each.began is not None or task.done() for each, task in self.subscribers))

    async def settle(self) -> None:
        """Publish once more to each channel, and wait until everything has arrived."""
        self.broker.mend()
        hub = self.here.running().hub
        for subscriber, _ in self.subscribers:
            subscriber.reading.set()
            if subscriber.sink is not None:
                subscriber.sink.resume()
        await self.until_entered()
        await until(lambda: not any(topic.is_lost for topic in hub.topics.values()))
        for name in self.numbers:
            last = await self.publish(name)
            for subscriber, task in self.subscribers:
                if not task.done() and subscriber.hears(name):
                    await until(lambda one=subscriber, name=name, last=last: one.has_heard(name, last))  # type: ignore[misc]

    async def end(self) -> None:
        """Let all subscribers leave, and check that nothing is left."""
        for _, task in self.subscribers:
            task.cancel()
        if self.subscribers:
            await asyncio.wait([task for _, task in self.subscribers])
        hub = self.here.running().hub
        await until(lambda: not hub.topics and not self.broker._subscribed)
        assert self.here.stats().subscribers == 0
        assert len(self.here.running().presence) == 0
        assert hub._opener._to_open == {}
        assert hub.reader._answers == {}
        for name in ROOMS:
            await until(lambda name=name: not self.bus.rooms.present(name))  # type: ignore[misc]
        await self.here.shutdown()
        await self.there.shutdown()
        assert self.bus._nodes == {}

    def check(self, subscriber: Subscriber) -> None:
        """Compare the publications that a subscriber got with those that were published."""
        if subscriber.began is None:
            return
        last: dict[str, Position] = dict(subscriber.began)
        ticks: int | None = subscriber.ticks
        # Channels of a pattern start with the first publication that arrives, even after a gap of the pattern.
        for kind, channel, data, text in subscriber.all_heard():
            position = None if text is None else Position.parse(text)
            if kind == "gap":
                if is_pattern(channel):
                    last = {name: place for name, place in last.items() if name in subscriber.names}
                elif position is not None:
                    assert position != last.get(channel) or position.offset == 0
                    last[channel] = position
                else:
                    ticks = None
            elif position is None:
                assert channel == "ticks"
                # A publication that was in transit when it subscribed may arrive too.
                assert ticks is None or int(data) == ticks + 1 or ticks == subscriber.ticks >= int(data)
                ticks = int(data)
            else:
                before = last.get(channel)
                if before is not None:
                    assert position == (before.epoch, before.offset + 1), (subscriber.names, subscriber.all_heard())
                assert self.log[channel, str(position)] == data
                last[channel] = position


class Races(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda loop, context: self.errors.append(context))
        self.errors: list[dict[str, Any]] = []
        # A read that failed during a cut is tried again after a pause longer than any number of turns.
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("emmett.channels.healing.FIRST_PAUSE", 0.0)
        self.world = self.run(self._begin())

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, 30))

    async def _begin(self) -> World:
        world = World()
        await world.here.startup()
        await world.there.startup()
        return world

    @rule(names=st.sampled_from(NAMES), is_socket=st.booleans(), is_member=st.booleans(), waits=st.booleans())
    def subscribe(self, names: list[str], is_socket: bool, is_member: bool, waits: bool) -> None:
        async def subscribe() -> None:
            is_room = any(name in ROOMS for name in names)
            self.world.subscribe(names, {}, is_socket, "alice" if is_member and is_room else None)
            if waits:
                await self.world.until_entered()

        self.run(subscribe())

    @rule(data=st.data())
    @precondition(lambda self: self.world.subscribers)
    def leave(self, data: st.DataObject) -> None:
        async def leave() -> None:
            number = data.draw(st.integers(0, len(self.world.subscribers) - 1))
            subscriber, task = self.world.subscribers.pop(number)
            task.cancel()
            await asyncio.wait([task])
            self.world.check(subscriber)
            self.world.gone.append(subscriber)
            topics = self.world.here.running().hub.topics.values()
            assert all(len(topic.stream) <= topic.users for topic in topics)

        self.run(leave())

    @rule(is_socket=st.booleans(), count=st.integers(0, 3), waits=st.booleans())
    @precondition(lambda self: any(each.subscription.positions for each in self.world.gone))
    def come_back(self, is_socket: bool, count: int, waits: bool) -> None:
        async def come_back() -> None:
            before = next(each for each in self.world.gone if each.subscription.positions)
            self.world.gone.remove(before)
            places = {name: place for name, place in before.subscription.positions.items() if name in before.names}
            for name in list(places) * count:
                await self.world.publish(name)
            self.world.subscribe(list(places), places, is_socket, None)
            if waits:
                await self.world.until_entered()

        self.run(come_back())

    @rule(channel=st.sampled_from([*ROOMS, "ticks"]), count=st.integers(1, 12))
    def publish(self, channel: str, count: int) -> None:
        async def publish() -> None:
            for _ in range(count):
                await self.world.publish(channel)

        self.run(publish())

    @rule(channel=st.sampled_from(ROOMS), count=st.integers(1, 3), shows=st.booleans())
    def publish_what_gets_lost(self, channel: str, count: int, shows: bool) -> None:
        async def publish() -> None:
            for _ in range(count):
                self.world.broker.drop(1)
                await self.world.publish(channel)
                self.world.broker._to_drop = 0
            if shows:
                await self.world.publish(channel)

        self.run(publish())

    @rule(data=st.data(), channel=st.sampled_from(ROOMS), count=st.integers(0, 3), waits=st.booleans())
    @precondition(lambda self: self.world.subscribers)
    def change(self, data: st.DataObject, channel: str, count: int, waits: bool) -> None:
        async def change() -> None:
            number = data.draw(st.integers(0, len(self.world.subscribers) - 1))
            subscriber, task = self.world.subscribers[number]
            if subscriber.began is None or task.done() or any(map(is_pattern, subscriber.names)):
                return
            changing = asyncio.ensure_future(subscriber.change(channel))
            for _ in range(count):
                await self.world.publish(channel)
            await changing
            if waits:
                await self.world.publish(channel)

        self.run(change())

    @rule(count=st.integers(1, 8))
    def let_turn(self, count: int) -> None:
        async def turn() -> None:
            for _ in range(count):
                await asyncio.sleep(0)

        self.run(turn())

    @rule(forgets=st.sampled_from([False, False, True]))
    def restart(self, forgets: bool) -> None:
        def restart() -> None:
            self.world.bus.cut()
            if forgets:
                self.world.bus.forget()
            self.world.bus.mend()

        self.run(self._call(restart))

    @rule()
    def cut_or_mend(self) -> None:
        is_cut = self.world.broker._is_cut
        self.run(self._call(self.world.broker.mend if is_cut else self.world.broker.cut))

    @rule(channel=st.sampled_from([*ROOMS, "ticks"]), counts=st.tuples(*[st.integers(0, 3)] * 3))
    def publish_around_a_cut(self, channel: str, counts: tuple[int, ...]) -> None:
        async def publish() -> None:
            steps = (self.world.broker.mend, self.world.broker.cut, self.world.broker.mend)
            for step, count in zip(steps, counts, strict=True):
                step()
                for _ in range(count):
                    await self.world.publish(channel)

        self.run(publish())

    @rule()
    def check_quiet(self) -> None:
        async def check() -> None:
            await self.world.here.running().hub.check_quiet()

        self.run(check())

    @rule(stall=st.booleans())
    @precondition(lambda self: self.world.subscribers)
    def be_slow(self, stall: bool) -> None:
        def set_pace() -> None:
            subscriber, _ = self.world.subscribers[0]
            if stall:
                subscriber.reading.clear()
            else:
                subscriber.reading.set()
            if subscriber.sink is not None:
                subscriber.sink.is_stalled = stall
                if not stall:
                    subscriber.sink.resume()

        self.run(self._call(set_pace))

    async def _call(self, function: Any) -> None:
        function()

    def teardown(self) -> None:
        try:
            self.run(self.world.settle())
            for subscriber, _ in self.world.subscribers:
                self.world.check(subscriber)
            self.run(self.world.end())
            assert self.errors == []
        finally:
            self.patch.undo()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.close()


TestRaces = Races.TestCase
TestRaces.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
pytestmark = pytest.mark.filterwarnings("error")
