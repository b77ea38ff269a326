"""Sessions on the server: ids of 256 bits in the cookie, their hashes in the store."""

from __future__ import annotations

import hashlib
import logging
from base64 import urlsafe_b64decode

import pytest

from emmett.errors import UsageError
from emmett.sessions.encoding import pack
from emmett.sessions.memory_store import MemoryStore
from emmett.sessions.stored import StoredKeeper
from tests.sessions.visiting import Clock

ANN = b'{"user":"ann"}'
BOB = b'{"user":"bob"}'


class Kept:
    """A keeper with its store and clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(100, self.clock)
        self.keeper = StoredKeeper(self.store, 100, 1000, self.clock)

    async def values(self, token: str) -> dict[str, object] | None:
        claim = self.keeper.identify(token)
        record = None if claim is None else await self.keeper.load(claim)
        return None if record is None else record.values


async def test_the_store_never_sees_an_id() -> None:
    kept = Kept()
    record = await kept.keeper.create(ANN)
    assert len(urlsafe_b64decode(record.token + "=")) == 32
    assert record.id == hashlib.sha256(record.token.encode()).hexdigest()
    value = await kept.store.get(record.id)
    assert value is not None
    assert record.token.encode() not in value
    assert len({(await kept.keeper.create(ANN)).token for _ in range(50)}) == 50


async def test_a_session_can_be_loaded_replaced_and_deleted() -> None:
    kept = Kept()
    record = await kept.keeper.create(ANN)
    assert await kept.values(record.token) == {"user": "ann"}
    kept.clock.now += 60
    later = await kept.keeper.replace(record, BOB)
    assert later is not None
    assert (later.id, later.token, later.expires) == (record.id, record.token, kept.clock.now + 100)
    assert await kept.values(record.token) == {"user": "bob"}
    assert await kept.keeper.delete(later) is True
    assert await kept.values(record.token) is None
    assert await kept.keeper.delete(later) is False


async def test_an_ended_session_is_not_restored() -> None:
    kept = Kept()
    record = await kept.keeper.create(ANN)
    await kept.keeper.delete(record)
    assert await kept.keeper.replace(record, BOB) is None
    assert await kept.values(record.token) is None


async def test_a_session_ends_with_its_time() -> None:
    kept = Kept()
    record = await kept.keeper.create(ANN)
    kept.clock.now += 99
    assert await kept.values(record.token) == {"user": "ann"}
    kept.clock.now += 1
    assert await kept.values(record.token) is None
    # This holds even if the store still has it.
    await kept.store.put(record.id, pack(record.id, int(kept.clock.now), ANN), 1000, replace=False)
    assert await kept.values(record.token) is None


@pytest.mark.parametrize("token", ["", "A" * 42, "A" * 44, "é" * 43, "A" * 5000])
def test_an_invalid_id_is_refused(token: str) -> None:
    assert Kept().keeper.identify(token) is None


async def test_an_unknown_id_is_refused() -> None:
    assert await Kept().values("A" * 43) is None


@pytest.mark.parametrize("value", [b"", b"\xff", b"null", pack("another key", 2**40, ANN), b"\x80\x04N."])
async def test_invalid_data_from_a_store_is_ignored(value: bytes, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    record = await kept.keeper.create(ANN)
    await kept.store.put(record.id, value, 100, replace=False)
    with caplog.at_level(logging.WARNING, "emmett.session"):
        assert await kept.values(record.token) is None
    assert [line.getMessage() for line in caplog.records] == [
        "session store: ignored a value that is not a session with this key"
    ]


async def test_a_session_that_is_too_large_is_an_error() -> None:
    kept = Kept()
    record = await kept.keeper.create(b"x" * 1000)
    with pytest.raises(UsageError, match=r"1001 bytes.*at most 1000.*max_size"):
        await kept.keeper.create(b"x" * 1001)
    with pytest.raises(UsageError, match="max_size"):
        await kept.keeper.replace(record, b"x" * 1001)
    assert len(kept.store) == 1
