"""Token buckets: a key-value bucket with one key for each, which holds the time at which the token bucket is full.

A write succeeds only if the key has not changed since it was read, as for presence. A node remembers what it wrote
last, so a call takes one request as long as no other node takes calls out of the same token bucket. The server deletes
a key when the token bucket is full.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakValueDictionary

from ..backoff import backoff
from .jetstream import Conflict, JetStream, Stored
from .subjects import Subjects

# Token buckets whose last value is remembered.
MAX_KNOWN = 4_096
# Seconds before a write that came too late is tried again: a random part of this, doubled each time.
FIRST_PAUSE = 0.002
MAX_PAUSE = 0.1
# Digits of a time in microseconds.
MAX_DIGITS = 18


class NatsRates:
    """The token buckets of all nodes; see `Broker.take`. The caller sets the deadlines.

    Arguments:
        jetstream: stores the token buckets.
        subjects: the names of subjects and streams.
        note_strange: called for values that no broker wrote.
    """

    def __init__(
        self, jetstream: JetStream, subjects: Subjects, note_strange: Callable[[str, Exception], None]
    ) -> None:
        self._jetstream = jetstream
        self._subjects = subjects
        self._note_strange = note_strange
        self._stream = f"KV_{subjects.rates}"
        # The number of the last known message of a key, and its value.
        self._known: OrderedDict[str, tuple[int, int]] = OrderedDict()
        # The calls of this node take turns, so that only those of different nodes meet.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, bucket: str, calls: int, period: float) -> float:
        """Take one call out of a token bucket; return 0.0, or the seconds until there is one."""
        await self._require()
        turn = self._turns.setdefault(bucket, asyncio.Lock())
        async with turn:
            return await self._take(bucket, calls, period * 1e6)

    async def _take(self, bucket: str, calls: int, period: float) -> float:
        subject, known = self._subjects.rate(bucket), self._known.pop(bucket, None)
        for attempt in itertools.count():
            if known is None:
                # A server of a cluster may lag, and a refused write shows that this one does.
                get = self._jetstream.last if attempt else self._jetstream.newest
                known = self._read(bucket, await get(self._stream, subject))
            now = int(self._jetstream.now() * 1e6)
            due = max(known[1], now)
            wait = due - now - (period - period / calls)
            if wait > 0:
                # The time only grows, so a refusal needs no request.
                self._remember(bucket, known)
                return wait / 1e6
            due = math.floor(due + period / calls)
            life = max(1.0, (due - now) / 1e6)
            try:
                sequence = await self._jetstream.append(self._stream, subject, str(due).encode(), {}, life, known[0])
            except Conflict:
                await self._require()
                if attempt:
                    await asyncio.sleep(backoff(attempt, FIRST_PAUSE, MAX_PAUSE))
                known = None
            else:
                self._remember(bucket, (sequence, due))
                return 0.0
        raise AssertionError("attempts never end")

    def _read(self, bucket: str, stored: Stored | None) -> tuple[int, int]:
        """Return the number and value of a key; the value 0 if it was deleted, or no broker wrote it."""
        if stored is None:
            return 0, 0
        if not stored.data:
            return stored.sequence, 0
        if not stored.data.isdigit() or len(stored.data) > MAX_DIGITS:
            self._note_strange(bucket, ValueError(f"a token bucket with {stored.data[:40]!r}"))
            return stored.sequence, 0
        return stored.sequence, int(stored.data)

    async def _require(self) -> None:
        await self._jetstream.require(self._stream, 1, self._subjects.rates_config)

    def _remember(self, bucket: str, known: tuple[int, int]) -> None:
        self._known[bucket] = known
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
