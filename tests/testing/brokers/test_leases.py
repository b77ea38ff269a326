"""The contract detects brokers whose leases have several holders, never end, or end too soon."""

from __future__ import annotations

import asyncio

from emmett.channels.brokers.memory import MemoryBroker
from tests.testing.brokers.broken import Case, check_finds, parametrize


class Shared(MemoryBroker):
    """Gives a lease to everybody."""

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        return True


class OneLease(MemoryBroker):
    """Takes all leases for one."""

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        return await super().hold("all", holder, ttl)


class Hasty(MemoryBroker):
    """Looks first, and takes later."""

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        free = await super().hold(lease, holder, ttl)
        if free:
            await super().release(lease, holder)
            await asyncio.sleep(0)
            await super().hold(lease, holder, ttl)
        return free


class Kept(MemoryBroker):
    """Releases nothing."""

    async def release(self, lease: str, holder: str) -> None:
        pass


class Robbed(MemoryBroker):
    """Lets anybody release a lease."""

    async def release(self, lease: str, holder: str) -> None:
        for other in ("ada", "bob"):
            await super().release(lease, other)


class Endless(MemoryBroker):
    """Ends no lease."""

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        return await super().hold(lease, holder, 10**6)


class Once(MemoryBroker):
    """Renews nothing."""

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        known = self.bus.leases._leases.get(lease)
        if known is not None and known[0] == holder:
            return True
        return await super().hold(lease, holder, ttl)


CASES: list[Case] = [
    (Shared, ("test_one_holder", "test_many_at_once", "test_release", "test_renewal_extends_it")),
    (OneLease, ("test_one_holder",)),
    (Hasty, ("test_many_at_once",)),
    (Kept, ("test_release",)),
    (Robbed, ("test_release",)),
    (Endless, ("test_it_ends_with_time",)),
    (Once, ("test_renewal_extends_it",)),
]


@parametrize(CASES)
def test_each_faulty_broker_is_detected(kind: type[MemoryBroker], test: str) -> None:
    check_finds(kind, test)
