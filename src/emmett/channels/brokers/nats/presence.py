"""Presence: a key-value bucket with one key for each member of a channel.

A key holds the member's connections, each with its expiry by the server's clock. A write succeeds only if the key has
not changed since it was read (`Nats-Expected-Last-Subject-Sequence`); otherwise the writer reads it again. Of two nodes
that see the last connection leave, therefore only one reports it. The server deletes a key an hour after everything in
it has expired, if no node did.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from ..backoff import backoff
from .jetstream import MAX_READ_MESSAGES, Conflict, JetStream, Stored
from .subjects import Subjects

# Seconds to keep expired connections, so that some node can report that they have left.
UNTOLD_KEPT = 3_600.0
# Seconds to keep the marker of a deleted key.
DELETED_KEPT = 60.0
# Connections whose members are remembered.
MAX_KNOWN = 65_536
# Keys that one call changes concurrently.
MAX_CONCURRENT = 64
# Seconds before a change that came too late is tried again: a random part of this, doubled each time.
FIRST_PAUSE = 0.002
MAX_PAUSE = 0.1

_DELETED = {"KV-Operation": "DEL"}


class _Entry(msgspec.Struct):
    """The value of a key. Times are seconds of the server's clock."""

    member: str
    info: bytes
    connections: dict[str, float]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Entry).decode

# Takes the value of a key; returns the value to write and the result of the call. None writes nothing; a member without
# connections is deleted.
_Change = Callable[[_Entry | None], tuple[_Entry | None, bool]]


class NatsPresence:
    """The members of all channels; the methods are described at `Broker`. The caller sets the deadlines.

    Arguments:
        jetstream: stores the members.
        subjects: the names of subjects and streams.
        note_strange: called for values that no broker wrote.
    """

    def __init__(
        self, jetstream: JetStream, subjects: Subjects, note_strange: Callable[[str, Exception], None]
    ) -> None:
        self._jetstream = jetstream
        self._subjects = subjects
        self._note_strange = note_strange
        self._stream = f"KV_{subjects.bucket}"
        # The member, by channel and connection.
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        """Add a connection; return whether its member is new."""
        await self._require()
        before = self._known.get((channel, connection))
        if before is not None and before != member:
            await self._leave(channel, connection, before)

        def change(found: _Entry | None) -> tuple[_Entry | None, bool]:
            now = self._jetstream.now()
            there = {} if found is None else {name: end for name, end in found.connections.items() if end > now}
            return _Entry(member, info, {**there, connection: now + ttl}), not there

        self._remember(channel, connection, member)
        return await self._change(channel, member, change)

    async def leave(self, channel: str, connection: str) -> str | None:
        """Remove a connection; return its member if it was the last one."""
        await self._require()
        member = self._known.pop((channel, connection), None)
        if member is None:
            found = (each for _, each in (await self._list(channel)).values() if connection in each.connections)
            entry = next(found, None)
            if entry is None:
                return None
            member = entry.member
        return member if await self._leave(channel, connection, member) else None

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        """Renew connections, and remove expired ones; return the members that are gone as a result."""
        await self._require()
        own = set(connections)

        def change(found: _Entry | None) -> tuple[_Entry | None, bool]:
            now = self._jetstream.now()
            if found is None:
                return None, False
            there = {
                name: now + ttl if name in own else end
                for name, end in found.connections.items()
                if name in own or end > now
            }
            if there == found.connections:
                return None, False
            return _Entry(found.member, found.info, there), not there

        now = self._jetstream.now()
        due = [
            (stored, found)
            for stored, found in (await self._list(channel)).values()
            if any(name in own or end <= now for name, end in found.connections.items())
        ]
        gone: list[str] = []

        async def work(items: Iterable[tuple[Stored, _Entry]]) -> None:
            for stored, found in items:
                if await self._change(channel, found.member, change, (stored.sequence, found)):
                    gone.append(found.member)

        items = iter(due)
        await asyncio.gather(*(work(items) for _ in range(min(len(due), MAX_CONCURRENT))))
        return gone

    async def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        """Return the members that are present."""
        await self._require()
        members = [found for _, found in (await self._list(channel)).values()]
        now = self._jetstream.now()
        counts = ((each, sum(end > now for end in each.connections.values())) for each in members)
        return {each.member: (each.info, count) for each, count in counts if count}

    async def _leave(self, channel: str, connection: str, member: str) -> bool:
        """Remove a connection from a member; return whether it was the last one."""

        def change(found: _Entry | None) -> tuple[_Entry | None, bool]:
            if found is None or connection not in found.connections:
                return None, False
            there = {name: end for name, end in found.connections.items() if name != connection}
            return _Entry(member, found.info, there), not there

        return await self._change(channel, member, change)

    async def _change(
        self, channel: str, member: str, change: _Change, known: tuple[int, _Entry | None] | None = None
    ) -> bool:
        """Change a key, and read it again whenever another node was faster.

        Arguments:
            known: its number and value, as far as known.
        """
        bucket, subject = self._stream, self._subjects.member(channel, member)
        for attempt in itertools.count():
            if known is None:
                # A server of a cluster may lag, and a refused write shows that this one does.
                get = self._jetstream.last if attempt else self._jetstream.newest
                known = self._read(channel, await get(bucket, subject))
            wanted, answer = change(known[1])
            if wanted is None:
                return answer
            headers, data, life = _DELETED, b"", DELETED_KEPT
            if wanted.connections:
                headers, data = {}, _encode(wanted)
                life = max(wanted.connections.values()) - self._jetstream.now() + UNTOLD_KEPT
            try:
                await self._jetstream.append(bucket, subject, data, headers, max(1.0, life), known[0])
            except Conflict:
                await self._require()
                await asyncio.sleep(backoff(attempt, FIRST_PAUSE, MAX_PAUSE))
                known = None
            else:
                return answer
        raise AssertionError("attempts never end")

    async def _list(self, channel: str) -> dict[str, tuple[Stored, _Entry]]:
        """Return all members of a channel by subject. Keys that change meanwhile come last, and are seen again."""
        found: dict[str, tuple[Stored, _Entry]] = {}
        begin = 1
        while True:
            some, pending = await self._jetstream.read(
                self._stream, self._subjects.members(channel), begin, MAX_READ_MESSAGES
            )
            for stored in some:
                member = self._read(channel, stored)[1]
                if member is not None:
                    found[stored.subject] = (stored, member)
                else:
                    found.pop(stored.subject, None)
            if not pending or not some:
                return found
            begin = some[-1].sequence + 1

    def _read(self, channel: str, stored: Stored | None) -> tuple[int, _Entry | None]:
        """Return the number and value of a key; no value if it was deleted, or no broker wrote it."""
        if stored is None:
            return 0, None
        if not stored.data:
            return stored.sequence, None
        try:
            member = _decode(stored.data)
            if stored.subject != self._subjects.member(channel, member.member):
                raise ValueError("a member under the key of another one")
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            self._note_strange(channel, error)
            return stored.sequence, None
        return stored.sequence, member

    async def _require(self) -> None:
        config = {"subjects": [f"$KV.{self._subjects.bucket}.>"], "allow_rollup_hdrs": True, "deny_delete": True}
        await self._jetstream.require(self._stream, 1, config)

    def _remember(self, channel: str, connection: str, member: str) -> None:
        self._known[channel, connection] = member
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
