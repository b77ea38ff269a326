"""The history of channels in memory, in which what has expired takes no room."""

from __future__ import annotations

import itertools
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TypeVar

from ..publication import Position
from .bounds import up_to
from .port import Entry, History, Limits

# Seconds for which a channel's epoch and counter outlive its history: for so long, at least, a position which a client
# of a quiet channel holds stays good. After that the channel is forgotten, and begins anew under another epoch.
EPOCH_KEPT = 86_400.0
# How many channels each call looks at, in rotation, for what has expired. More than the one it can add: so what has
# expired goes faster than new things come, whichever channels are used.
LOOKED_AT = 2

Value = TypeVar("Value")


def look_around(values: OrderedDict[str, Value], is_over: Callable[[Value], bool]) -> None:
    """Look at the next few values: remove those of which `is_over` says so, put the others at the end of the line."""
    for _ in range(min(LOOKED_AT, len(values))):
        name, value = values.popitem(last=False)
        if not is_over(value):
            values[name] = value


class MemoryLog:
    """What is left of the publications of one channel, and where it stands."""

    __slots__ = ("entries", "epoch", "forget_at", "top", "ttl")

    def __init__(self, epoch: str, now: float) -> None:
        self.epoch = epoch
        self.top = 0
        # When each was published, and what; their offsets end at `top`. None when there are none: most channels of a
        # large application are quiet, and an empty deque takes more room than all the rest.
        self.entries: deque[tuple[float, Entry]] | None = None
        self.ttl = 0.0
        self.forget_at = now + EPOCH_KEPT

    def append(self, payload: bytes, limits: Limits, now: float) -> Entry:
        """Add a publication, and trim the others."""
        self.top += 1
        entry = Entry(payload, Position(self.epoch, self.top))
        self.ttl = limits.ttl
        entries = self.entries
        if entries is None:
            entries = self.entries = deque()
        entries.append((now, entry))
        while len(entries) > limits.size:
            entries.popleft()
        self.drop_expired(now)
        self.forget_at = max(self.forget_at, now + limits.ttl + EPOCH_KEPT)
        return entry

    def drop_expired(self, now: float) -> None:
        """Let go of what is older than its time to live."""
        if self.entries is None:
            return
        while self.entries and self.entries[0][0] + self.ttl <= now:
            self.entries.popleft()
        if not self.entries:
            self.entries = None

    def read(
        self, since: Position | None, limit: int | None, limits: Limits, now: float, max_bytes: int | None = None
    ) -> History:
        """Return what `Broker.history` returns."""
        # Whoever gets a position from here may come back with it.
        self.forget_at = max(self.forget_at, now + EPOCH_KEPT)
        kept: deque[tuple[float, Entry]] = self.entries or deque()
        # The limits of who asks may be narrower than those of who published.
        expired = sum(1 for _ in itertools.takewhile(lambda item: item[0] + limits.ttl <= now, kept))
        first = max(expired, len(kept) - limits.size)
        start, complete = first, True
        if since is not None:
            wanted = since.offset - self.top + len(kept)
            complete = since.epoch == self.epoch and first <= wanted <= len(kept)
            start = wanted if complete else first
        stop = len(kept)
        if limit is not None and since is None:
            start = max(start, stop - limit)
        elif limit is not None:
            stop = min(stop, start + limit)
        entries = up_to(max_bytes, (entry for _, entry in itertools.islice(kept, start, stop)))
        return History(entries, Position(self.epoch, self.top), complete)


class MemoryHistories:
    """The logs of all channels.

    Arguments:
        clock: the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._logs: OrderedDict[str, MemoryLog] = OrderedDict()
        self._life = secrets.token_hex(6)
        self._epochs = itertools.count(1)

    def __len__(self) -> int:
        """Return how many channels are known, those included whose history has expired."""
        return len(self._logs)

    def count_entries(self) -> int:
        """Return how many publications are held in memory."""
        return sum(len(log.entries or ()) for log in self._logs.values())

    def append(self, channel: str, payload: bytes, limits: Limits) -> Entry:
        """Add a publication to the history of a channel."""
        now = self._clock()
        return self._log(channel, now).append(payload, limits, now)

    def read(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        """Read the history of a channel, which is known from then on: its position is of use later."""
        now = self._clock()
        return self._log(channel, now).read(since, limit, limits, now, max_bytes)

    def forget(self) -> None:
        """Lose everything, as a server does that restarts without its data."""
        self._logs.clear()

    def _log(self, channel: str, now: float) -> MemoryLog:
        def is_over(log: MemoryLog) -> bool:
            log.drop_expired(now)
            return log.forget_at <= now

        look_around(self._logs, is_over)
        log = self._logs.get(channel)
        if log is not None and log.forget_at <= now:
            log = None
        if log is None:
            log = self._logs[channel] = MemoryLog(f"{self._life}-{next(self._epochs)}", now)
        return log
