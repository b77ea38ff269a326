from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest

from emmett.channels.brokers.memory import MAX_WAITING, MemoryBroker, MemoryBus
from emmett.channels.brokers.port import Entry, Limits
from emmett.channels.publication import Position
from emmett.errors import BrokerUnavailable, UsageError
from emmett.testing.brokers import BrokerContract
from tests.channels.brokers.clock import Clock, RecordingListener

LIMITS = Limits(100, 600.0)


class TestMemory(BrokerContract):
    """A bus that keeps its data when it restarts."""

    @pytest.fixture(autouse=True)
    def shared(self) -> None:
        self.clock = Clock()
        self.bus = MemoryBus(self.clock)

    async def make_broker(self) -> MemoryBroker:
        return MemoryBroker(self.bus)

    async def let_pass(self, seconds: float) -> None:
        self.clock.now += seconds

    async def kill(self) -> None:
        self.bus.cut()

    async def restart(self) -> None:
        self.bus.mend()

    async def freeze(self) -> None:
        self.bus.cut()

    async def thaw(self) -> None:
        self.bus.mend()


class TestForgetfulMemory(TestMemory):
    """A bus that loses its data when it restarts."""

    async def restart(self) -> None:
        self.bus.forget()
        self.bus.mend()


async def start(bus: MemoryBus, *names: str) -> tuple[MemoryBroker, RecordingListener]:
    broker, listener = MemoryBroker(bus), RecordingListener()
    await broker.start(listener)
    await broker.subscribe(names)
    return broker, listener


class TestReporting:
    async def test_a_listener_is_never_called_inside_publish(self) -> None:
        broker, listener = await start(MemoryBus(), "a")
        for number in range(10):
            await broker.publish("a", b"%d" % number, None)
        assert listener.payloads == []
        await asyncio.sleep(0)
        assert listener.payloads == [b"%d" % number for number in range(10)]

    async def test_publications_made_during_a_report_come_in_the_next_turn(self) -> None:
        broker, listener = await start(MemoryBus(), "a", "b")
        tasks: list[asyncio.Task[Position | None]] = []

        def answer(channel: str) -> None:
            if channel == "a":
                tasks.append(asyncio.ensure_future(broker.publish("b", b"answer", None)))

        listener.on_heard = answer
        await broker.publish("a", b"1", None)
        await broker.publish("a", b"2", None)
        await asyncio.sleep(0)
        assert listener.payloads == [b"1", b"2"]
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)
        assert listener.payloads == [b"1", b"2", b"answer", b"answer"]

    async def test_there_is_one_callback_in_each_turn_of_the_loop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bus = MemoryBus()
        nodes = [await start(bus, "a", "*") for _ in range(5)]
        loop, calls = asyncio.get_running_loop(), list[object]()
        call_soon = loop.call_soon

        def counted(callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
            calls.append(callback)
            return call_soon(callback, *args, context=context)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "call_soon", counted)
            for _ in range(20):
                await nodes[0][0].publish("a", b"", None)
        assert len(calls) == 1

    async def test_a_task_that_publishes_without_pause_lets_others_run(self) -> None:
        """The publications waiting to be reported are bounded, although the loop below never waits."""
        bus = MemoryBus()
        (broker, first), (_, second) = await start(bus, "a"), await start(bus, "a")
        most = 0
        for number in range(5000):
            await broker.publish("a", b"%d" % number, None)
            most = max(most, len(bus._waiting))
        assert most <= MAX_WAITING + 1
        await asyncio.sleep(0)
        for listener in (first, second):
            assert [int(payload) for payload in listener.payloads] == list(range(5000))

    async def test_a_publish_that_is_cancelled_while_it_waits_has_not_happened(self) -> None:
        broker, listener = await start(MemoryBus(), "a")
        for _ in range(MAX_WAITING):
            await broker.publish("a", b"", LIMITS)
        late = broker.publish("a", b"late", LIMITS)
        # As when a task is cancelled: it runs its first step up to where it waits, then gets the cancellation.
        late.send(None)
        with pytest.raises(asyncio.CancelledError):
            late.throw(asyncio.CancelledError)
        await asyncio.sleep(0)
        assert b"late" not in listener.payloads
        assert (await broker.history("a", None, 0, LIMITS)).top.offset == MAX_WAITING

    async def test_a_failing_listener_is_logged_and_the_others_are_called(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        bus = MemoryBus()
        (broker, bad), (_, good) = await start(bus, "a"), await start(bus, "a")

        def fail(channel: str) -> None:
            raise ValueError(channel)

        bad.on_heard = fail
        with caplog.at_level(logging.ERROR):
            await broker.publish("a", b"1", None)
            await asyncio.sleep(0)
        assert good.payloads == [b"1"]
        assert "a listener of the memory broker failed" in caplog.text

    async def test_pending_publications_are_dropped_by_unsubscribe_and_stop(self) -> None:
        bus = MemoryBus()
        (broker, listener), (other, late) = await start(bus, "a", "b"), await start(bus, "a")
        await broker.publish("a", b"1", None)
        await broker.publish("b", b"2", None)
        await broker.unsubscribe(["a"])
        await other.stop()
        again = RecordingListener()
        await other.start(again)
        await other.subscribe(["a"])
        await asyncio.sleep(0)
        assert (listener.payloads, late.payloads, again.payloads) == ([b"2"], [], [])


class TestFaults:
    async def test_a_node_that_is_cut_off_fails_calls_and_reports_the_loss(self) -> None:
        bus = MemoryBus()
        (broker, listener), (other, _) = await start(bus, "a", "g:*"), await start(bus, "a")
        await other.publish("a", b"before", None)
        broker.cut()
        with pytest.raises(BrokerUnavailable, match=r"^the memory broker does not answer: it was cut off$"):
            await broker.publish("a", b"", None)
        await other.publish("a", b"missed", LIMITS)
        broker.mend()
        await other.publish("g:1", b"after", None)
        await asyncio.sleep(0)
        assert listener.said == [b"before", "lost", "restored", b"after"]
        assert [entry.payload for entry in (await broker.history("a", None, None, LIMITS)).entries] == [b"missed"]

    async def test_repeated_cuts_and_mends_are_reported_once(self) -> None:
        bus = MemoryBus()
        broker, listener = await start(bus, "a")
        broker.cut()
        broker.cut()
        bus.cut()
        bus.mend()
        broker.mend()
        broker.mend()
        await broker.publish("a", b"1", None)
        await asyncio.sleep(0)
        assert listener.said == ["lost", "restored", b"1"]

    async def test_a_node_that_is_not_started_is_not_notified(self) -> None:
        broker = MemoryBroker()
        broker.cut()
        with pytest.raises(BrokerUnavailable):
            await broker.start(RecordingListener())
        broker.mend()
        await broker.start(listener := RecordingListener())
        await asyncio.sleep(0)
        assert listener.said == []

    async def test_publications_are_dropped_without_notice(self) -> None:
        bus = MemoryBus()
        (broker, listener), (_, other) = await start(bus, "a"), await start(bus, "a")
        broker.drop(2)
        for number in range(4):
            await broker.publish("a", b"%d" % number, LIMITS)
        await asyncio.sleep(0)
        assert listener.said == [b"2", b"3"]
        assert other.said == [b"0", b"1", b"2", b"3"]
        assert len((await broker.history("a", None, None, LIMITS)).entries) == 4

    async def test_a_bus_can_forget_its_data(self) -> None:
        bus = MemoryBus()
        broker, _ = await start(bus)
        position = await broker.publish("a", b"1", LIMITS)
        assert position is not None
        await broker.join("a", "c1", "ada", b"", 60)
        bus.forget()
        after = await broker.publish("a", b"2", LIMITS)
        assert after is not None
        assert (after.offset, after.epoch == position.epoch) == (1, False)
        assert await broker.present("a") == {}
        assert not (await broker.history("a", position, None, LIMITS)).complete


class TestBus:
    async def test_brokers_of_different_buses_are_separate(self) -> None:
        (broker, listener), (other, _) = await start(MemoryBus(), "a"), await start(MemoryBus(), "a")
        alone = MemoryBroker()
        await alone.start(RecordingListener())
        await other.publish("a", b"1", None)
        await alone.publish("a", b"1", None)
        await broker.publish("a", b"mine", None)
        await asyncio.sleep(0)
        assert listener.payloads == [b"mine"]

    async def test_starting_twice_is_an_error(self) -> None:
        broker, _ = await start(MemoryBus())
        with pytest.raises(UsageError, match="already started"):
            await broker.start(RecordingListener())

    def test_a_broker_can_be_used_by_one_run_after_another(self) -> None:
        """A run that left its broker running, with a report pending, does not disturb the next one."""
        bus = MemoryBus()

        async def run() -> list[bytes]:
            broker, listener = await start(bus, "a")
            await broker.publish("a", b"1", LIMITS)
            await asyncio.sleep(0)
            await broker.publish("a", b"on the way", None)
            return list(listener.payloads)

        for _ in range(3):
            runner = asyncio.Runner()
            # Closed without a further turn of its loop.
            assert runner.run(run()) == [b"1"]
            runner.close()
        assert len(bus._brokers) == 1

    async def test_two_loops_at_once_are_an_error(self) -> None:
        bus = MemoryBus()
        await start(bus)

        def run() -> None:
            asyncio.run(start(bus))

        with pytest.raises(UsageError, match="one event loop"):
            await asyncio.to_thread(run)

    async def test_nothing_is_left_of_stopped_brokers(self) -> None:
        bus = MemoryBus()
        for _ in range(10):
            broker, _ = await start(bus, "a", "g:*", "g:b:*")
            await broker.publish("g:b:1", b"", None)
            await broker.unsubscribe(["a", "unknown", "un:*"])
            await broker.stop()
        assert (bus._nodes, bus._patterns, bus._brokers) == ({}, 0, {})
        await asyncio.sleep(0)
        assert bus._waiting == []
        gone = weakref.ref(broker)
        del broker
        gc.collect()
        assert gone() is None

    async def test_expired_data_is_removed_without_a_read(self) -> None:
        clock = Clock()
        bus = MemoryBus(clock)
        broker, _ = await start(bus)
        for number in range(1000):
            await broker.publish(f"a:{number}", b"", Limits(10, 60))
        clock.now += 61
        for _ in range(600):
            await broker.publish("b", b"", Limits(1, 60))
        assert sum(len(log.entries or ()) for log in bus.histories._busy.values()) == 1
        clock.now += 3 * 86_400
        for _ in range(600):
            await broker.publish("b", b"", Limits(1, 60))
        assert len(bus.histories) == 1

    async def test_entries_are_shared(self) -> None:
        """Delivered publications and those in the history are the same objects, so a payload is stored once."""
        broker, listener = await start(MemoryBus(), "a")
        await broker.publish("a", b"1", LIMITS)
        await asyncio.sleep(0)
        [entry] = (await broker.history("a", None, None, LIMITS)).entries
        assert listener.reports[0] == ("a", "a", entry)
        assert listener.reports[0][2] is entry
        assert type(entry) is Entry
