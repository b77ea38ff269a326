"""Sessions in the memory of the process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable


class MemoryStore:
    """A bounded store without timers.

    All values have the same lifetime, so they expire in the order in which they were put. Each `put` drops expired
    values from the front, and the oldest values above the bound.

    Arguments:
        max_sessions: the most values to keep.
        clock: returns the seconds since the epoch.
    """

    def __init__(self, max_sessions: int, clock: Callable[[], float]) -> None:
        self._max_sessions = max_sessions
        self._clock = clock
        # Expiry and value by key. In a dict, the first item would be slow to find after many deletions.
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    async def get(self, key: str) -> bytes | None:
        """See `Store.get`."""
        found = self._values.get(key)
        if found is None:
            return None
        expires, value = found
        if expires <= self._clock():
            del self._values[key]
            return None
        return value

    async def put(self, key: str, value: bytes, seconds: float, *, replace: bool) -> bool:
        """See `Store.put`."""
        if replace and await self.get(key) is None:
            return False
        self._values.pop(key, None)
        now = self._clock()
        self._values[key] = (now + seconds, value)
        while self._is_over(now):
            self._values.popitem(last=False)
        return True

    async def delete(self, key: str) -> bool:
        """See `Store.delete`."""
        found = self._values.pop(key, None)
        return found is not None and found[0] > self._clock()

    async def shutdown(self) -> None:
        """See `Store.shutdown`: there are no connections."""

    def _is_over(self, now: float) -> bool:
        oldest = next(iter(self._values.values()))
        return len(self._values) > self._max_sessions or oldest[0] <= now
