"""Leases in memory: expired ones are forgotten. The contract of brokers has the rest."""

from __future__ import annotations

from emmett.channels.brokers.memory_leases import MemoryLeases
from tests.channels.brokers.clock import Clock


def test_expired_leases_are_forgotten() -> None:
    clock = Clock()
    leases = MemoryLeases(clock)
    for number in range(100):
        assert leases.hold(f"lease {number}", "ada", 10)
    clock.now += 10
    assert leases.hold("another", "bob", 10)
    assert len(leases) == 1
    leases.release("another", "ada")
    assert not leases.hold("another", "ada", 10)
    leases.release("another", "bob")
    assert len(leases) == 0
