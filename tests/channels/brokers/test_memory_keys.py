"""Keys in memory: their number is bounded, and nothing is kept of those forgotten. The contract has the rest."""

from __future__ import annotations

import pytest

from emmett.channels.brokers import memory_keys
from emmett.channels.brokers.memory_keys import MemoryKeys
from emmett.channels.brokers.port import KEY_KEPT
from emmett.channels.publication import Position
from tests.channels.brokers.clock import Clock


def test_expired_keys_are_forgotten() -> None:
    clock = Clock()
    keys = MemoryKeys(clock)
    for number in range(10):
        keys.add("a", str(number), Position("e", number))
    clock.now += KEY_KEPT - 1
    found = keys.find("a", "3")
    assert found is not None
    assert found.position == Position("e", 3)
    clock.now += 1
    assert keys.find("a", "3") is None
    assert len(keys) == 0


def test_the_number_of_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_keys, "MAX_KEYS", 3)
    keys = MemoryKeys(Clock())
    for number in range(10):
        keys.add("a", str(number), None)
    assert len(keys) == 3
    assert keys.find("a", "6") is None
    assert keys.find("a", "7") is not None
    keys.forget()
    assert len(keys) == 0
