"""Sessions on the server: the cookie has a random id, and a store has the rest."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable

from ..errors import UsageError
from .encoding import Unpacked, pack, unpack
from .ports import Claim, Record, Store

logger = logging.getLogger("emmett.session")

_ID_BYTES = 32
_TOKEN_LENGTH = 43


class StoredKeeper:
    """Keeps sessions in a store.

    The key in the store is the SHA-256 of the id in the cookie, so leaked keys of the store do not open sessions.

    Arguments:
        store: stores the sessions.
        expire: seconds that a session lives after it was saved.
        max_size: the most bytes of the values of one session, as JSON.
        clock: returns the seconds since the epoch.
    """

    remembers = True

    def __init__(self, store: Store, expire: float, max_size: int, clock: Callable[[], float]) -> None:
        self._store = store
        self._expire = expire
        self._max_size = max_size
        self._clock = clock

    def identify(self, token: str) -> Claim | None:
        """See `Keeper.identify`."""
        if len(token) != _TOKEN_LENGTH or not token.isascii():
            return None
        return Claim(hashlib.sha256(token.encode("ascii")).hexdigest(), token)

    async def load(self, claim: Claim) -> Record | None:
        """See `Keeper.load`."""
        found = await self._find(claim.id)
        return None if found is None else Record(found.id, claim.token, found.data, found.values, found.expires)

    async def find_expiry(self, id: str) -> int | None:
        """See `Keeper.find_expiry`."""
        found = await self._find(id)
        return None if found is None else found.expires

    async def _find(self, id: str) -> Unpacked | None:
        value = await self._store.get(id)
        if value is None:
            return None
        found = unpack(value)
        # The value contains the key, too: the value of another key must never become a visitor's session.
        if found is None or found.id != id:
            logger.warning("session store: ignored a value that is not a session with this key")
            return None
        return None if found.expires <= self._clock() else found

    async def create(self, data: bytes) -> Record:
        """See `Keeper.create`. An id is never taken from a visitor."""
        token = secrets.token_urlsafe(_ID_BYTES)
        claim = self.identify(token)
        assert claim is not None
        record = await self._put(claim, data, replace=False)
        assert record is not None, "a store keeps what is new"
        return record

    async def replace(self, record: Record, data: bytes) -> Record | None:
        """See `Keeper.replace`."""
        return await self._put(Claim(record.id, record.token), data, replace=True)

    async def delete(self, record: Record) -> bool:
        """See `Keeper.delete`."""
        return await self._store.delete(record.id)

    async def shutdown(self) -> None:
        """See `Keeper.shutdown`."""
        await self._store.shutdown()

    async def _put(self, claim: Claim, data: bytes, *, replace: bool) -> Record | None:
        if len(data) > self._max_size:
            raise UsageError(
                f"the session has {len(data)} bytes as JSON, at most {self._max_size} are allowed (max_size); store "
                "references to large values in it, not the values"
            )
        expires = int(self._clock() + self._expire)
        if await self._store.put(claim.id, pack(claim.id, expires, data), self._expire, replace=replace):
            return Record(claim.id, claim.token, data, {}, expires)
        return None
