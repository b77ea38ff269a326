"""The history of channels in memory. Expired publications take no room."""

from __future__ import annotations

import itertools
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable

from ..publication import Position
from .bounds import up_to
from .port import Entry, History, Limits

# Seconds for which a channel's epoch and counter outlive its history: the position that a client of a quiet channel
# holds stays valid at least this long. After that the channel is forgotten, and begins again with a new epoch.
EPOCH_KEPT = 86_400.0
# Unsubscribed channels whose log is kept: without publications, and with some.
MAX_QUIET = 16_384
MAX_BUSY = 65_536
# How many channels each call checks for expiry, in rotation. It is more than the one channel that a call can add, so
# expired data is removed faster than new data arrives, whichever channels are used.
LOOKED_AT = 2


class MemoryLog:
    """The remaining publications of one channel, and its position."""

    __slots__ = ("entries", "epoch", "forget_at", "top", "ttl")

    def __init__(self, epoch: str, now: float) -> None:
        self.epoch = epoch
        self.top = 0
        # The publications with their times; their offsets end at `top`. None if there are none: most channels of a
        # large application are quiet, and an empty deque takes more room than everything else.
        self.entries: deque[tuple[float, Entry]] | None = None
        self.ttl = 0.0
        self.forget_at = now + EPOCH_KEPT

    def append(self, payload: bytes, limits: Limits, now: float) -> Entry:
        """Add a publication, and trim the history."""
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
        """Remove publications older than their time to live."""
        if self.entries is None:
            return
        while self.entries and self.entries[0][0] + self.ttl <= now:
            self.entries.popleft()
        if not self.entries:
            self.entries = None

    def read(
        self, since: Position | None, limit: int | None, limits: Limits, now: float, max_bytes: int | None = None
    ) -> History:
        """Return the result of `Broker.history`."""
        # The caller may come back with the position it gets here.
        self.forget_at = max(self.forget_at, now + EPOCH_KEPT)
        kept: deque[tuple[float, Entry]] = self.entries or deque()
        # The limits of the reader may be narrower than those of the publisher.
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

    Names of channels often come from visitors, so the number of logs is bounded: those of channels without publications
    by `MAX_QUIET`, and the others by `MAX_BUSY`. Beyond that, the least recently used log is forgotten, as if it had
    expired. Channels with subscribers do not count towards the bounds.

    Arguments:
        clock: returns the time in seconds.
        is_subscribed: returns whether a channel has a subscriber.
    """

    def __init__(self, clock: Callable[[], float], is_subscribed: Callable[[str], bool] = lambda _: False) -> None:
        self._clock = clock
        self._is_subscribed = is_subscribed
        # Channels with publications, checked in rotation; and channels without, least recently used first.
        self._busy: OrderedDict[str, MemoryLog] = OrderedDict()
        self._quiet: OrderedDict[str, MemoryLog] = OrderedDict()
        self._life = secrets.token_hex(6)
        self._epochs = itertools.count(1)

    def __len__(self) -> int:
        """Return the number of known channels, including those whose history has expired."""
        return len(self._busy) + len(self._quiet)

    def append(self, channel: str, payload: bytes, limits: Limits) -> Entry:
        """Add a publication to the history of a channel."""
        now = self._clock()
        log = self._find(channel, now)
        entry = log.append(payload, limits, now)
        self._keep(channel, log)
        return entry

    def read(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        """Read the history of a channel, and remember the channel: its position may be used later."""
        now = self._clock()
        log = self._find(channel, now)
        history = log.read(since, limit, limits, now, max_bytes)
        self._keep(channel, log)
        return history

    def remove(self, channel: str) -> None:
        """Remove the publications of a channel, but not its position."""
        log = self._find(channel, self._clock())
        log.entries = None
        self._keep(channel, log)

    def forget(self) -> None:
        """Lose everything, like a server that restarts without its data."""
        self._busy.clear()
        self._quiet.clear()

    def _find(self, channel: str, now: float) -> MemoryLog:
        """Remove and return the log of a channel, or create one; also expire a few others."""
        self._expire(now)
        log = self._busy.pop(channel, None) or self._quiet.pop(channel, None)
        if log is None or log.forget_at <= now:
            log = MemoryLog(f"{self._life}-{next(self._epochs)}", now)
        return log

    def _keep(self, channel: str, log: MemoryLog) -> None:
        """Put a log back, and forget another one if there are too many."""
        logs, limit = (self._quiet, MAX_QUIET) if log.entries is None else (self._busy, MAX_BUSY)
        logs[channel] = log
        if len(logs) <= limit:
            return
        for _ in range(LOOKED_AT):
            name, oldest = logs.popitem(last=False)
            if not self._is_subscribed(name):
                return
            logs[name] = oldest

    def _expire(self, now: float) -> None:
        for _ in range(min(LOOKED_AT, len(self._busy))):
            name, log = self._busy.popitem(last=False)
            log.drop_expired(now)
            (self._quiet if log.entries is None else self._busy)[name] = log
        for _ in range(min(LOOKED_AT, len(self._quiet))):
            if next(iter(self._quiet.values())).forget_at > now:
                break
            self._quiet.popitem(last=False)
