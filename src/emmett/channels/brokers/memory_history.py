"""The history of channels in memory, in which what has expired takes no room."""

from __future__ import annotations

import itertools
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable

from ..publication import Position
from .bounds import up_to
from .port import Entry, History, Limits

# Seconds for which a channel's epoch and counter outlive its history: for so long, at least, a position which a client
# of a quiet channel holds stays good. After that the channel is forgotten, and begins anew under another epoch.
EPOCH_KEPT = 86_400.0
# Channels whose log is kept, beside those that somebody is subscribed to: without publications, and with some.
MAX_QUIET = 16_384
MAX_BUSY = 65_536
# How many channels each call looks at, in rotation, for what has expired. More than the one it can add: so what has
# expired goes faster than new things come, whichever channels are used.
LOOKED_AT = 2


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

    Names of channels often come from visitors, so the number of logs is bounded: those of channels without publications
    by `MAX_QUIET`, and the others by `MAX_BUSY`. Beyond that the log that was not used for the longest time is
    forgotten, as if its day was over. Channels that somebody is subscribed to are not counted among them.

    Arguments:
        clock: returns the time in seconds.
        is_subscribed: tells whether somebody is subscribed to a channel.
    """

    def __init__(self, clock: Callable[[], float], is_subscribed: Callable[[str], bool] = lambda _: False) -> None:
        self._clock = clock
        self._is_subscribed = is_subscribed
        # Those with publications, which are looked at in rotation; and those without, in the order of their last use.
        self._busy: OrderedDict[str, MemoryLog] = OrderedDict()
        self._quiet: OrderedDict[str, MemoryLog] = OrderedDict()
        self._life = secrets.token_hex(6)
        self._epochs = itertools.count(1)

    def __len__(self) -> int:
        """Return how many channels are known, those included whose history has expired."""
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
        """Read the history of a channel, which is known from then on: its position is of use later."""
        now = self._clock()
        log = self._find(channel, now)
        history = log.read(since, limit, limits, now, max_bytes)
        self._keep(channel, log)
        return history

    def forget(self) -> None:
        """Lose everything, as a server does that restarts without its data."""
        self._busy.clear()
        self._quiet.clear()

    def _find(self, channel: str, now: float) -> MemoryLog:
        """Take the log of a channel out, or make one; and forget what has expired of a few others."""
        self._expire(now)
        log = self._busy.pop(channel, None) or self._quiet.pop(channel, None)
        if log is None or log.forget_at <= now:
            log = MemoryLog(f"{self._life}-{next(self._epochs)}", now)
        return log

    def _keep(self, channel: str, log: MemoryLog) -> None:
        """Put a log back, and forget one where there are too many."""
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
