"""Leases in memory. Those that have ended take no room once another one is taken."""

from __future__ import annotations

from collections.abc import Callable


class MemoryLeases:
    """The leases of all nodes of a bus; see `Broker.hold`.

    Arguments:
        clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # The holder of each lease, and when it ends.
        self._leases: dict[str, tuple[str, float]] = {}

    def __len__(self) -> int:
        return len(self._leases)

    def hold(self, lease: str, holder: str, ttl: float) -> bool:
        """Take or renew a lease; return whether the holder has it."""
        now = self._clock()
        for name in [name for name, (_, end) in self._leases.items() if end <= now]:
            del self._leases[name]
        if self._leases.get(lease, (holder, 0.0))[0] != holder:
            return False
        self._leases[lease] = (holder, now + ttl)
        return True

    def release(self, lease: str, holder: str) -> None:
        """End a lease, if the holder has it."""
        if self._leases.get(lease, ("", 0.0))[0] == holder:
            del self._leases[lease]
