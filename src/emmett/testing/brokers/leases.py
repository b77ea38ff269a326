"""Promises about leases: one holder at a time, renewal, expiry, release."""

from __future__ import annotations

import asyncio

from .kit import Hooks, Node, Nodes, contract_test

# Seconds that outlast any test; and a lease that has ended after `LATER`.
LONG = 600.0
SHORT = 0.15
LATER = 0.25


async def hold(node: Node, lease: str, holder: str, ttl: float = LONG) -> bool:
    """Take or renew a lease; return whether the holder has it."""
    return await node.call(node.broker.hold(lease, holder, ttl))


async def release(node: Node, lease: str, holder: str) -> None:
    """End a lease."""
    await node.call(node.broker.release(lease, holder))


class LeasesContract(Hooks):
    """Holding, renewing and releasing leases."""

    @contract_test
    async def test_one_holder(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        lease = nodes.name()
        assert await hold(node, lease, "ada") is True
        assert await hold(other, lease, "bob") is False
        assert await hold(node, lease, "ada") is True
        assert await hold(other, nodes.name("another"), "bob") is True

    @contract_test
    async def test_many_at_once(self, nodes: Nodes) -> None:
        pair = await nodes.start_two()
        for turn in range(5):
            lease = nodes.name(turn)
            held = await asyncio.gather(*(hold(pair[i % 2], lease, f"holder {i}") for i in range(10)))
            assert held.count(True) == 1

    @contract_test
    async def test_release(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        lease = nodes.name()
        await release(node, lease, "ada")
        assert await hold(node, lease, "ada") is True
        await release(other, lease, "bob")
        assert await hold(other, lease, "bob") is False
        await release(node, lease, "ada")
        assert await hold(other, lease, "bob") is True

    @contract_test
    async def test_it_ends_with_time(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        lease = nodes.name()
        for holder, each in (("ada", node), ("bob", other), ("ada", node)):
            assert await hold(each, lease, holder, SHORT) is True
            await self.let_pass(LATER)

    @contract_test
    async def test_renewal_extends_it(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        lease = nodes.name()
        assert await hold(node, lease, "ada", SHORT) is True
        assert await hold(node, lease, "ada", LONG) is True
        await self.let_pass(LATER)
        assert await hold(other, lease, "bob") is False
