"""The contract of every store; the tests of each store run it."""

from __future__ import annotations

from emmett.sessions.ports import Store


async def keeps_and_forgets(store: Store) -> None:
    """Run through all methods of an empty store."""
    assert await store.get("a") is None
    assert await store.delete("a") is False
    assert await store.put("a", b"one", 60, replace=True) is False
    assert await store.get("a") is None
    assert await store.put("a", b"one", 60, replace=False) is True
    assert await store.put("b", b"\x00\xff other", 60, replace=False) is True
    assert await store.get("a") == b"one"
    assert await store.put("a", b"two", 60, replace=True) is True
    assert await store.get("a") == b"two"
    assert await store.put("a", b"three", 60, replace=False) is True
    assert await store.get("a") == b"three"
    assert await store.delete("a") is True
    assert await store.delete("a") is False
    assert await store.get("a") is None
    assert await store.put("a", b"four", 60, replace=True) is False
    assert await store.get("b") == b"\x00\xff other"
    await store.shutdown()
    # The store can be used again.
    assert await store.put("b", b"", 60, replace=False) is True
    assert await store.get("b") == b""
    assert await store.delete("b") is True
    await store.shutdown()
