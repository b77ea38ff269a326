"""Leases: keys of the key-value bucket of token buckets, which hold the holder and the time at which the lease ends.

A write succeeds only if the key has not changed since it was read. The server deletes a key some time after its lease
has ended; what counts is the time in it, by the server's clock.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from ..backoff import backoff
from .jetstream import Conflict, JetStream, Stored
from .rates import FIRST_PAUSE, MAX_DIGITS, MAX_PAUSE
from .subjects import Subjects


class NatsLeases:
    """The leases of all nodes; see `Broker.hold`. The caller sets the deadlines.

    Arguments:
        jetstream: stores the leases.
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

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        """Take or renew a lease; return whether the holder has it."""
        return await self._change(lease, holder, ttl)

    async def release(self, lease: str, holder: str) -> None:
        """End a lease, if the holder has it."""
        await self._change(lease, holder, 0.0)

    async def _change(self, lease: str, holder: str, ttl: float) -> bool:
        await self._jetstream.require(self._stream, 1, self._subjects.rates_config)
        subject = self._subjects.lease(lease)
        for attempt in itertools.count():
            sequence, owner, end = self._read(lease, await self._jetstream.last(self._stream, subject))
            now = int(self._jetstream.now() * 1e6)
            if owner != holder and end > now:
                return False
            if not ttl and owner != holder:
                return True
            # The nodes know the server's time to some milliseconds, so a lease that is released ended long ago.
            data = f"{now + int(ttl * 1e6) if ttl else 0} {holder}".encode()
            try:
                await self._jetstream.append(self._stream, subject, data, {}, max(1.0, ttl), sequence)
            except Conflict:
                await asyncio.sleep(backoff(attempt, FIRST_PAUSE, MAX_PAUSE))
            else:
                return True
        raise AssertionError("attempts never end")

    def _read(self, lease: str, stored: Stored | None) -> tuple[int, str, int]:
        """Return the number of a key, its holder, and the time at which its lease ends; 0 if there is none."""
        if stored is None:
            return 0, "", 0
        if not stored.data:
            return stored.sequence, "", 0
        end, _, holder = stored.data.partition(b" ")
        if not end.isdigit() or len(end) > MAX_DIGITS:
            self._note_strange(lease, ValueError(f"a lease with {stored.data[:40]!r}"))
            return stored.sequence, "", 0
        return stored.sequence, holder.decode("utf-8", "replace"), int(end)
