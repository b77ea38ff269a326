from __future__ import annotations

import pytest

from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.testing.brokers import BrokerContract


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestMemory(BrokerContract):
    """The bus comes back with its data."""

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


class TestForgetfulMemory(TestMemory):
    """The bus comes back without its data."""

    async def restart(self) -> None:
        self.bus.forget()
        self.bus.mend()
