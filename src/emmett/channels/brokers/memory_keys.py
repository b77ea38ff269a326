"""The keys of recent publications in memory, so that none is made twice."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakValueDictionary

from ..publication import Position
from .port import KEY_KEPT

# Keys of all channels that are remembered; beyond that, the oldest is forgotten.
MAX_KEYS = 65_536


class Keyed(NamedTuple):
    """A publication with a key: its position, and when the key is forgotten."""

    position: Position | None
    end: float


class MemoryKeys:
    """The publications with keys; see `Broker.publish_once`.

    Arguments:
        clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # By channel and key, in the order in which they are forgotten.
        self._known: OrderedDict[tuple[str, str], Keyed] = OrderedDict()
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._known)

    def turn(self, channel: str, key: str) -> asyncio.Lock:
        """Return the lock of those that publish with a key."""
        return self._turns.setdefault((channel, key), asyncio.Lock())

    def find(self, channel: str, key: str) -> Keyed | None:
        """Return the publication with a key; None if there is none."""
        now = self._clock()
        while self._known and next(iter(self._known.values())).end <= now:
            self._known.popitem(last=False)
        return self._known.get((channel, key))

    def add(self, channel: str, key: str, position: Position | None) -> None:
        """Remember a publication by a new key."""
        self._known[channel, key] = Keyed(position, self._clock() + KEY_KEPT)
        if len(self._known) > MAX_KEYS:
            self._known.popitem(last=False)

    def forget(self) -> None:
        """Lose everything, like a server that restarts without its data."""
        self._known.clear()
