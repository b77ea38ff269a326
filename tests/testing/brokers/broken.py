"""Faulty brokers, and tools to show that the contract detects them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.channels.brokers.memory_history import MemoryLog
from emmett.channels.brokers.port import Entry, Listener
from emmett.testing.brokers import BrokerContract
from tests.channels.brokers.clock import Clock

# A faulty broker, and the tests that detect the fault.
Case = tuple[type[MemoryBroker], tuple[str, ...]]


class Right(BrokerContract):
    """The contract on a kind of memory broker."""

    kind: type[MemoryBroker] = MemoryBroker

    def __init__(self) -> None:
        self.clock = Clock()
        self.bus = MemoryBus(self.clock)
        self.made: list[MemoryBroker] = []

    def be_impatient(self) -> None:
        """Use short deadlines: an event that does not happen at once never does."""
        self.answers_within = self.recovers_within = 0.2
        self.ends_within = 0.05
        self.deadline = 10.0

    async def make_broker(self) -> MemoryBroker:
        self.made.append(self.kind(self.bus))
        return self.made[-1]

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


def parametrize(cases: list[Case]) -> pytest.MarkDecorator:
    """Return a parameter set for each broker and each test that detects it."""
    return pytest.mark.parametrize(
        ("kind", "test"),
        [pytest.param(kind, test, id=f"{kind.__name__}-{test}") for kind, tests in cases for test in tests],
    )


def check_finds(kind: type[MemoryBroker], test: str, base: type[Right] = Right) -> None:
    """Show that a test of the contract passes for a correct broker, and fails for this one by an assertion."""
    getattr(base(), test)()
    contract = base()
    contract.kind = kind
    contract.be_impatient()
    with pytest.raises(AssertionError):
        getattr(contract, test)()


class Overheard(MemoryBroker):
    """A broker that makes wrong reports to its listener; subclasses define how."""

    async def start(self, listener: Listener) -> None:
        self.listener = listener
        await super().start(RecordingListener(self))

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        """Report a publication."""
        self.listener.heard(subscribed, channel, entry)

    def tell_lost(self) -> None:
        """Report a loss."""
        self.listener.lost(None)

    def tell_restored(self) -> None:
        """Report the end of a loss."""
        self.listener.restored(None)


class RecordingListener:
    """Passes the events that it gets to its broker."""

    def __init__(self, broker: Overheard) -> None:
        self.broker = broker

    def heard(self, subscribed: str, channel: str, entry: Entry) -> None:
        self.broker.tell(subscribed, channel, entry)

    def lost(self, subscribed: Collection[str] | None) -> None:
        self.broker.tell_lost()

    def restored(self, subscribed: Collection[str] | None) -> None:
        self.broker.tell_restored()


class Deaf(Overheard):
    """Reports nothing."""

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        pass


class Doubling(Overheard):
    """Reports everything twice."""

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        super().tell(subscribed, channel, entry)
        super().tell(subscribed, channel, entry)


class Swapping(Overheard):
    """Reports every fourth publication after the next one of its channel, or a little later."""

    count = 0
    held: tuple[str, str, Entry] | None = None

    def tell(self, subscribed: str, channel: str, entry: Entry) -> None:
        self.count += 1
        if self.held is None and self.count % 4 == 0:
            self.held = (subscribed, channel, entry)
            asyncio.get_running_loop().call_later(0.01, self.let_go)
            return
        super().tell(subscribed, channel, entry)
        if self.held is not None and self.held[1] == channel:
            self.let_go()

    def let_go(self) -> None:
        held, self.held = self.held, None
        if held is not None:
            super().tell(*held)


class Late(MemoryBroker):
    """Subscribes a little after it has confirmed it."""

    async def subscribe(self, names: Collection[str]) -> None:
        self._require()
        asyncio.get_running_loop().call_soon(self.arrive, tuple(names))

    def arrive(self, names: tuple[str, ...]) -> None:
        new = set(names) - self._subscribed
        self._subscribed |= new
        if self._listener is not None:
            self.bus._add(self, new)


class Keeping(MemoryBroker):
    """Does not unsubscribe."""

    async def unsubscribe(self, names: Collection[str]) -> None:
        pass


def all_logs(bus: MemoryBus) -> dict[str, MemoryLog]:
    """Return what a bus has of each channel."""
    return {**bus.histories._busy, **bus.histories._quiet}
