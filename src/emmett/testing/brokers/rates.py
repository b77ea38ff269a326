"""Promises about token buckets: how many calls they allow, to how many nodes, and when there are more."""

from __future__ import annotations

import asyncio

from .kit import Hooks, Node, Nodes, contract_test

# Seconds that outlast any test; and a period that has passed after `LATER`.
LONG = 600.0
SHORT = 0.15
LATER = 0.25


async def take(node: Node, bucket: str, calls: int, period: float = LONG) -> float:
    """Take a call out of a bucket; return the seconds to wait."""
    wait = await node.call(node.broker.take(bucket, calls, period))
    assert isinstance(wait, float)
    assert 0.0 <= wait <= period / calls + 1.0, f"{wait} s to wait, with {calls} calls in {period} s"
    return wait


class RatesContract(Hooks):
    """Taking calls out of token buckets."""

    @contract_test
    async def test_as_many_calls_as_a_bucket_holds(self, nodes: Nodes) -> None:
        node = await nodes.start()
        for calls in (1, 3, 7, 50):
            waits = [await take(node, nodes.name(calls), calls) for _ in range(calls + 1)]
            assert waits[:-1] == [0.0] * calls
            assert LONG / calls - self.deadline <= waits[-1] <= LONG / calls

    @contract_test
    async def test_a_refused_call_counts_as_none(self, nodes: Nodes) -> None:
        node, bucket = await nodes.start(), nodes.name()
        assert await take(node, bucket, 2) == 0.0
        assert await take(node, bucket, 2) == 0.0
        waits = [await take(node, bucket, 2) for _ in range(5)]
        assert all(waits)
        assert max(waits) <= LONG / 2

    @contract_test
    async def test_nodes_share_a_bucket(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        bucket = nodes.name()
        waits = [await take(each, bucket, 3) for each in (node, other, node, other, node)]
        assert [wait == 0.0 for wait in waits] == [True, True, True, False, False]

    @contract_test
    async def test_calls_at_once(self, nodes: Nodes) -> None:
        """In any order of events, a bucket allows as many calls as it holds, no more and no fewer."""
        pair = await nodes.start_two()
        for turn in range(5):
            bucket = nodes.name(turn)
            waits = await asyncio.gather(*(take(pair[i % 2], bucket, 5) for i in range(20)))
            assert waits.count(0.0) == 5, f"{waits.count(0.0)} of twenty calls were allowed, not five"

    @contract_test
    async def test_buckets_are_apart(self, nodes: Nodes) -> None:
        node = await nodes.start()
        for rest in ("a", "b", "a:b", "é*?[]", "x" * 60, "A"):
            assert await take(node, nodes.name(rest), 1) == 0.0
            assert await take(node, nodes.name(rest), 1) > 0.0

    @contract_test
    async def test_calls_come_back_with_time(self, nodes: Nodes) -> None:
        node, bucket = await nodes.start(), nodes.name()
        for _ in range(3):
            assert await take(node, bucket, 1, SHORT) == 0.0
            await self.let_pass(LATER)

    @contract_test
    async def test_after_an_outage(self, nodes: Nodes) -> None:
        """A bucket works again, whether or not the server still knows it."""
        self.needs("kill", "restart")
        node, bucket = await nodes.start(), nodes.name()
        assert await take(node, bucket, 1) == 0.0
        await nodes.kill()
        await node.until_lost()
        await nodes.restart()
        await node.until_restored()
        waits = [await take(node, bucket, 1) for _ in range(2)]
        assert waits[-1] > 0.0
