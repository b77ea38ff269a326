"""The contract detects brokers whose token buckets allow too much, too little, or each node its own."""

from __future__ import annotations

import asyncio

from emmett.channels.brokers.memory import MemoryBroker
from tests.testing.brokers.broken import Case, check_finds, parametrize


class Generous(MemoryBroker):
    """Allows everything."""

    async def take(self, bucket: str, calls: int, period: float) -> float:
        return 0.0


class Stingy(MemoryBroker):
    """Allows one call less."""

    async def take(self, bucket: str, calls: int, period: float) -> float:
        return await super().take(bucket, max(1, calls - 1), period)


class Punishing(MemoryBroker):
    """Lets refused calls wait longer and longer."""

    refused = 0

    async def take(self, bucket: str, calls: int, period: float) -> float:
        wait = await super().take(bucket, calls, period)
        self.refused += wait > 0
        return wait + self.refused * period


class Alone(MemoryBroker):
    """Each node has its own buckets."""

    async def take(self, bucket: str, calls: int, period: float) -> float:
        return await super().take(f"{bucket} {id(self)}", calls, period)


class OneBucket(MemoryBroker):
    """Takes all buckets for one."""

    async def take(self, bucket: str, calls: int, period: float) -> float:
        return await super().take("all", calls, period)


class Hasty(MemoryBroker):
    """Looks first, and takes later."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.count: dict[str, int] = {}

    async def take(self, bucket: str, calls: int, period: float) -> float:
        if self.count.get(bucket, 0) >= calls:
            return period / calls
        await asyncio.sleep(0)
        self.count[bucket] = self.count.get(bucket, 0) + 1
        return 0.0


class Final(MemoryBroker):
    """Never fills a bucket again."""

    async def take(self, bucket: str, calls: int, period: float) -> float:
        return min(await super().take(bucket, calls, 10**6), period / calls)


class Forgetful(MemoryBroker):
    """After an outage, allows everything."""

    was_away = False

    def _refresh(self) -> None:
        self.was_away = True
        super()._refresh()

    async def take(self, bucket: str, calls: int, period: float) -> float:
        wait = await super().take(bucket, calls, period)
        return 0.0 if self.was_away else wait


CASES: list[Case] = [
    (Generous, ("test_as_many_calls_as_a_bucket_holds", "test_buckets_are_apart")),
    (Stingy, ("test_as_many_calls_as_a_bucket_holds", "test_calls_at_once")),
    (Punishing, ("test_a_refused_call_counts_as_none",)),
    (Alone, ("test_nodes_share_a_bucket",)),
    (OneBucket, ("test_buckets_are_apart",)),
    (Hasty, ("test_calls_at_once",)),
    (Final, ("test_calls_come_back_with_time",)),
    (Forgetful, ("test_after_an_outage",)),
]


@parametrize(CASES)
def test_each_faulty_broker_is_detected(kind: type[MemoryBroker], test: str) -> None:
    check_finds(kind, test)
