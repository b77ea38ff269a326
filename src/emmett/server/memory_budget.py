"""One bound for all that peers make a process hold, over all of its connections.

Each connection has bounds of its own, but thousands of connections within theirs can exceed the memory of the machine.
Counting must cost messages nothing. So a connection measures itself on cold paths only: when it has grown by a step
since it last did, when writing stalls, and when the sweep passes, which adds up what is below a step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from ..rare_log import RareLog

logger = logging.getLogger("emmett.server")

SMALLEST_STEP = 4 * 1024
LARGEST_STEP = 64 * 1024
MIB = 1024 * 1024


class Holder(Protocol):
    """A connection, as the budget sees it."""

    def held(self) -> int:
        """Return the bytes that the peer makes this process hold."""

    def choke(self) -> None:
        """Read no more until `unchoke`."""

    def unchoke(self) -> None:
        """Read on."""

    def shed(self) -> None:
        """Forget what is held, and break the connection off. Called inside of any callback."""


class MemoryBudget:
    """What peers make the process hold, and what happens when it is too much.

    At three quarters of the limit new connections are refused. At seven eighths the connections that hold most are not
    read any more. At the limit, and when that has lasted for `timeout` seconds, those that hold most are dropped.

    Arguments:
        limit: bytes; None for no limit.
        connections: the most connections there are. Each may hold up to a step that is not counted yet, which the
            levels leave room for.
        timeout: seconds for which connections are paused before the largest is dropped.
        clock: returns the time in seconds.

    Attributes:
        limit: as above.
        step: bytes by which a connection grows before it is to `note` it.
        is_scarce: new connections are to be refused.
    """

    def __init__(self, limit: int | None, connections: int, timeout: float, clock: Callable[[], float]) -> None:
        self.limit = limit
        self.is_scarce = False
        size = 8 * LARGEST_STEP * connections if limit is None else limit
        self.step = max(SMALLEST_STEP, min(LARGEST_STEP, size // 4 // connections))
        # The bytes that connections may hold uncounted between two sweeps.
        self._reserve = min(self.step * connections, size // 4)
        usable = size - self._reserve
        # How far dropping goes below the limit, and the least growth between two scans of all accounts.
        self._margin = usable // 16
        self._refuse_at, self._choke_at, self._drop_at = usable * 3 // 4, usable * 7 // 8, usable
        self._timeout = timeout
        self._log = RareLog(logger, clock=clock)
        # The bytes held by each connection with a step or more; the sum of these; the sum of all others.
        self._accounts: dict[Holder, int] = {}
        self._counted = 0
        self._rest = 0
        # The sum at which all accounts are scanned again.
        self._next = self._refuse_at
        self._choked: set[Holder] = set()
        # Connections that were dropped and have not ended yet.
        self._shed: set[Holder] = set()
        # When the sweep first saw that connections were paused; None while none is.
        self._since: float | None = None

    @property
    def held(self) -> int:
        """The bytes that peers make the process hold, as last counted: at most a second old."""
        return self._counted + self._rest

    @property
    def paused(self) -> int:
        """How many connections are not read, since they hold most."""
        return len(self._choked)

    def note(self, holder: Holder) -> None:
        """Measure a connection that has grown by a step, or whose peer does not take what is written."""
        if self.limit is None or holder in self._shed:
            return
        size = holder.held()
        self._counted += size - self._accounts.get(holder, 0)
        self._accounts[holder] = size
        if self._sum() >= self._next:
            self._relieve()

    def forget(self, holder: Holder) -> None:
        """Count a connection no more: it is gone."""
        # Most connections have never held enough to be counted.
        if holder in self._accounts:
            self._counted -= self._accounts.pop(holder)
        if self._shed:
            self._shed.discard(holder)
        if self._choked:
            self._choked.discard(holder)
        if (self._choked or self.is_scarce) and self._sum() < self._refuse_at:
            self._calm()

    def add_up(self, holders: Iterable[Holder], now: float) -> None:
        """Measure all connections, large and small. The sweep calls it.

        Arguments:
            holders: all connections.
            now: the loop's time in seconds.
        """
        accounts: dict[Holder, int] = {}
        rest = 0
        for holder in holders:
            size = holder.held()
            if size >= self.step and holder not in self._shed:
                accounts[holder] = size
            else:
                rest += size
        self._accounts, self._counted, self._rest = accounts, sum(accounts.values()), rest
        if self.limit is None:
            return
        self._act()
        if not self._choked:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= self._timeout:
            self._since = now
            self._drop_to(self._choke_at - self._margin)
            self._act()

    def _sum(self) -> int:
        """Return what counts towards the limit. The reserve is there for the smallest connections."""
        return self._counted + max(0, self._rest - self._reserve)

    def _relieve(self) -> None:
        """Look at all accounts again, since what was taken meanwhile was not noted, and act on what they are."""
        for holder in self._accounts:
            self._accounts[holder] = holder.held()
        self._counted = sum(self._accounts.values())
        self._act()

    def _act(self) -> None:
        """Refuse, pause and drop as the levels say."""
        if self._sum() > self._drop_at - self._margin // 2:
            self._drop_to(self._drop_at - self._margin)
        total = self._sum()
        if total >= self._choke_at:
            self._choke_largest()
        elif total < self._refuse_at:
            self._calm()
        if total >= self._refuse_at and not self.is_scarce:
            self.is_scarce = True
            self._log.warn("%s: new connections are refused", self)
        # The accounts are scanned again when they may have reached another level, but not for each step.
        level = self._refuse_at if total < self._refuse_at else self._choke_at
        self._next = min(self._drop_at, max(level, total + self._margin))

    def _calm(self) -> None:
        """There is room again."""
        self.is_scarce = False
        choked, self._choked = self._choked, set()
        for holder in choked:
            holder.unchoke()
        self._next = max(self._refuse_at, self._sum() + self._margin)

    def _choke_largest(self) -> None:
        """Pause those that hold most, until those that are read hold less than half."""
        reading = sum(size for holder, size in self._accounts.items() if holder not in self._choked)
        for holder in self._largest():
            if reading * 2 < self._counted:
                break
            if holder not in self._choked:
                reading -= self._accounts[holder]
                self._choked.add(holder)
                holder.choke()
        self._log.warn("%s: the connections that hold most are not read for now, %d of them", self, len(self._choked))

    def _drop_to(self, level: int) -> None:
        """Drop those that hold most until the sum is below a level."""
        count = 0
        for holder in self._largest():
            if self._sum() <= level:
                break
            self._counted -= self._accounts.pop(holder)
            self._choked.discard(holder)
            self._shed.add(holder)
            count += 1
            holder.shed()
        if count:
            self._log.warn("%s: the connections that hold most are dropped, %d of them", self, count)

    def _largest(self) -> list[Holder]:
        return sorted(self._accounts, key=self._accounts.__getitem__, reverse=True)

    def __str__(self) -> str:
        return (
            f"peers make this process hold {self.held // MIB} MiB, server.max_memory is {(self.limit or 0) // MIB} MiB"
        )
