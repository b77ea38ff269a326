from __future__ import annotations

from emmett.sessions.memory_store import MemoryStore
from tests.sessions.store_contract import keeps_and_forgets
from tests.sessions.visiting import Clock


async def test_the_store_keeps_the_contract() -> None:
    await keeps_and_forgets(MemoryStore(10, Clock()))


async def test_values_expire() -> None:
    clock = Clock()
    store = MemoryStore(10, clock)
    await store.put("a", b"one", 60, replace=False)
    clock.now += 59
    assert await store.get("a") == b"one"
    assert await store.put("a", b"two", 60, replace=True)
    clock.now += 59
    assert await store.get("a") == b"two"
    clock.now += 1
    assert await store.get("a") is None
    assert not await store.put("a", b"three", 60, replace=True)
    assert len(store) == 0
    await store.put("b", b"one", 60, replace=False)
    clock.now += 60
    assert await store.delete("b") is False


async def test_expired_values_are_removed_without_a_timer() -> None:
    clock = Clock()
    store = MemoryStore(1000, clock)
    for number in range(500):
        await store.put(f"old {number}", b"x", 60, replace=False)
    clock.now += 30
    await store.put("young", b"x", 60, replace=False)
    assert len(store) == 501
    clock.now += 30
    await store.put("new", b"x", 60, replace=False)
    assert len(store) == 2


async def test_over_the_limit_the_oldest_values_are_dropped() -> None:
    store = MemoryStore(3, Clock())
    for key in "abc":
        await store.put(key, b"x", 60, replace=False)
    await store.put("a", b"y", 60, replace=True)
    await store.put("d", b"x", 60, replace=False)
    assert [key for key in "abcd" if await store.get(key)] == ["a", "c", "d"]
    for number in range(10_000):
        await store.put(str(number), b"x", 60, replace=False)
    assert len(store) == 3
