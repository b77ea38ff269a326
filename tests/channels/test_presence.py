from __future__ import annotations

import json

import pytest

from emmett.channels import Member, Publication
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.channels.presence import MAX_CONCURRENT, Presence
from emmett.errors import BrokerUnavailable
from tests.channels.kit import TestBroker, never, running, take, turns, until

ROOM = {"presence": True, "join_leave": True, "presence_ttl": 30.0}


def told(publications: list[Publication]) -> list[tuple[str, str]]:
    """Return the kind and the member of each join and leave."""
    return [(each.kind.value, json.loads(each.data)["member"]) for each in publications]


async def test_a_member_with_several_connections_joins_and_leaves_once() -> None:
    bus = MemoryBus()
    async with (
        running(TestBroker(bus), **ROOM) as here,
        running(TestBroker(bus), **ROOM) as there,
        here.subscribe("room:1") as feed,
    ):
        async with here.subscribe("room:1", member="alice", info={"age": 7}):
            async with there.subscribe("room:1", "room:*", member="alice", info={"age": 8}):
                assert await here.presence("room:1") == {"alice": Member({"age": 8}, 2)}
                async with there.subscribe("room:1", member="bob"):
                    assert set(await there.presence("room:1")) == {"alice", "bob"}
            assert await here.presence("room:1") == {"alice": Member({"age": 8}, 1)}
        assert await here.presence("room:1") == {}
        assert told(await take(feed, 4)) == [
            ("join", "alice"),
            ("join", "bob"),
            ("leave", "bob"),
            ("leave", "alice"),
        ]
        assert len(here.running().presence) == len(there.running().presence) == 0


async def test_without_join_leave_there_is_no_notice() -> None:
    async with running(presence=True) as channels, channels.subscribe("room:1") as feed:
        async with channels.subscribe("room:1", member="alice"):
            await channels.publish("room:1", "x")
        assert (await take(feed, 1))[0].data == "x"


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_members_of_a_crashed_node_leave_through_another_node() -> None:
    clock = Clock()
    bus = MemoryBus(clock)
    crashed = MemoryBroker(bus)
    async with running(TestBroker(bus), **ROOM) as here, running(TestBroker(bus), **ROOM) as there:
        async with (
            here.subscribe("room:1", member="alice") as feed,
            there.subscribe("room:1", member="bob"),
        ):
            await bus_join(crashed, "carol")
            clock.now = 20.0
            for channels in (here, there):
                await keep(channels)
            clock.now = 31.0
            assert set(await here.presence("room:1")) == {"alice", "bob"}
            for channels in (here, there, here):
                await keep(channels)
            events = told(await take(feed, 3))
            assert events == [("join", "alice"), ("join", "bob"), ("leave", "carol")]
            await turns()
        assert here.stats().delivered == 4


async def bus_join(broker: MemoryBroker, member: str) -> None:
    """Add a member to the room, like a node that has crashed."""
    broker.bus.rooms.join("room:1", f"crashed-{member}", member, b"null", 30.0)


async def keep(channels: object) -> None:
    """Run the periodic upkeep of channels, and wait for it."""
    running = channels.running()  # type: ignore[attr-defined]
    before = len(running.hub.tasks)
    await running.presence.keep(running.hub.namespaces.of("room:1"))
    await until(lambda: len(running.hub.tasks) == before)


async def test_members_that_the_broker_forgot_join_again_when_it_is_back() -> None:
    bus = MemoryBus()
    async with running(TestBroker(bus), **ROOM) as channels:
        async with channels.subscribe("room:1", member="alice"), channels.subscribe("room:2", member="alice"):
            bus.cut()
            bus.forget()
            bus.mend()
            for name in ("room:1", "room:2"):
                await until(lambda name=name: bus.rooms.present(name))  # type: ignore[misc]
        assert await channels.presence("room:1") == {}


class Bench:
    """The presence of one node, with a clock and a broker that fails."""

    def __init__(self, running: object) -> None:
        inner = running.running()  # type: ignore[attr-defined]
        self.clock = Clock()
        self.tasks = inner.hub.tasks
        self.namespaces = inner.hub.namespaces
        self.namespace = self.namespaces.of("room:1")
        self.broker: TestBroker = inner.broker
        self.presence = Presence(self.broker, self.namespaces, self.tasks, clock=self.clock)
        self._idle = len(self.tasks)

    async def idle(self) -> None:
        await until(lambda: len(self.tasks) == self._idle)


async def test_a_member_that_could_not_be_refreshed_for_too_long_joins_again() -> None:
    async with running(TestBroker(), **ROOM) as channels:
        bench = Bench(channels)
        await bench.presence.join("room:1", "alice", b"1")
        bench.broker.bus.rooms.forget()
        bench.clock.now = 30.0
        bench.broker.failing.add("join")
        await bench.presence.keep(bench.namespace)
        await bench.idle()
        assert await bench.presence.present("room:1") == {}
        bench.broker.failing.clear()
        await bench.presence.keep(bench.namespace)
        await bench.idle()
        assert await bench.presence.present("room:1") == {"alice": Member(1, 1)}


async def test_a_failed_join_is_undone_and_a_failed_leave_is_ignored() -> None:
    async with running(TestBroker(), **ROOM) as channels:
        bench = Bench(channels)
        bench.broker.failing.add("join")
        with pytest.raises(BrokerUnavailable):
            await bench.presence.join("room:1", "alice", b"null")
        await bench.idle()
        assert bench.broker.named("leave") == ["room:1"]
        assert len(bench.presence) == 0
        bench.broker.failing = {"leave"}
        connection = await bench.presence.join("room:1", "alice", b"null")
        await bench.presence.leave("room:1", connection)
        assert len(bench.presence) == 0


async def test_a_member_that_left_during_an_outage_is_gone_after_it() -> None:
    bus = MemoryBus()
    async with running(TestBroker(bus), **ROOM) as channels:
        async with channels.subscribe("room:1", member="alice"):
            bus.cut()
        bus.mend()
        await until(lambda: not bus.rooms.present("room:1"))


async def test_a_member_that_leaves_while_it_joins_again_is_gone() -> None:
    async with running(TestBroker(), **ROOM) as channels:
        bench = Bench(channels)
        connection = await bench.presence.join("room:1", "alice", b"null")
        gate = bench.broker.close_gate("join")
        bench.presence.rejoin_all()
        await until(lambda: bench.broker.at_work)
        await bench.presence.leave("room:1", connection)
        gate.set()
        await bench.idle()
        assert await bench.presence.present("room:1") == {}


async def test_a_limited_number_of_channels_is_refreshed_at_once_and_evenly() -> None:
    async with running(TestBroker(), **ROOM) as channels:
        bench = Bench(channels)
        for number in range(MAX_CONCURRENT * 3):
            await bench.presence.join(f"room:{number}", "alice", b"null")
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        bench.presence._sleep = sleep
        await bench.presence.keep(bench.namespace, 6.0)
        await bench.idle()
        assert len(pauses) == 3
        assert all(1.6 <= pause <= 2.0 for pause in pauses)


async def test_members_are_refreshed_every_third_of_the_time_to_live() -> None:
    async with running(TestBroker(), **ROOM) as channels:
        bench = Bench(channels)
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                await never(seconds)

        bench.presence._sleep = sleep
        bench.tasks.spawn(bench.presence.run(bench.namespace))
        await until(lambda: len(pauses) == 3)
        assert all(4.0 <= pause <= 6.0 for pause in pauses)


async def test_stop_makes_all_members_leave() -> None:
    bus = MemoryBus()
    async with running(TestBroker(bus), **ROOM) as there, there.subscribe("room:1") as feed:
        async with running(TestBroker(bus), **ROOM) as here:
            await here.subscribe("room:1", member="alice").__aenter__()
        assert told(await take(feed, 2)) == [("join", "alice"), ("leave", "alice")]
        assert await there.presence("room:1") == {}
