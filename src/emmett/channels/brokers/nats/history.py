"""Publications with a position: one order for all nodes, and every publication heard is also stored.

A channel is a subject of a stream; there is one stream per namespace. The publisher gives a message the offset after
that of the last message, and asks the server to store it only if that one is still the last of its subject
(`Nats-Expected-Last-Subject-Sequence`). Offsets are therefore 1, 2, 3 and so on, regardless of the publisher. A lost
answer does no harm: either the message is the last one or it is not, and the next publisher finds out.

No subscriber listens to the subject that messages are published to, because messages are heard there even if they are
then refused. Instead, the stream publishes what it has stored on the subject of the channel, in order (`republish`).

This process remembers the last message of a channel from what it publishes and hears, so a publication takes one round
trip. If another node was faster, the message is refused; the last message is then read, and publishing is tried again.
Publications that arrive while one of their channel is under way wait, and leave together as one message. A process that
publishes without a pause pauses now and then, as otherwise it would always be the fastest.

An epoch ends with the last message of its subject: the offsets are then unknown, and a new epoch begins with a name
that has never been used. No message therefore outlives a later one, and reading a channel without new publications
leaves a mark that preserves its epoch. An epoch also ends when a node finds that the server has lost messages that it
had confirmed, as it may if its machine fails before they are on disk, and after a message in the stream that no broker
wrote.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import NamedTuple

from ....errors import BrokerUnavailable
from ...publication import Position
from ..backoff import backoff
from ..port import KEY_KEPT, History, Limits
from .format import FIELD, MAX_PACKED_BYTES, At, pack, read_at, unpack
from .jetstream import MAX_READ_MESSAGES, Conflict, Duplicate, JetStream, Stored
from .pages import Run, is_enough, seek, select
from .subjects import Subjects
from .waiting import WaitingPublication, fail_all, id_of, take_together

# Seconds for which the last message, and with it the epoch, outlives its publications; and the remaining life that a
# read guarantees.
LIFE_BEYOND = 2 * 86_400.0
LIFE_AT_LEAST = 86_400.0 + 3_600.0
MAX_TTL = 10 * 365 * 86_400.0
# Channels whose last message is remembered.
MAX_KNOWN = 16_384
# Pages for which the start of the next page is remembered.
MAX_PAGES = 4_096
# Publications of a channel that may wait for their turn, and their bytes.
MAX_WAITING = 16_384
MAX_WAITING_BYTES = 32 * 1024 * 1024
# Messages after which a publisher that never pauses lets others go first, and for how many seconds.
STREAK = 16
COURTESY = 0.002
# Seconds before a refused message is tried again: a random part of this, doubled each time.
FIRST_PAUSE = 0.001
MAX_PAUSE = 0.1

logger = logging.getLogger("emmett.channels")


class _Last(NamedTuple):
    """The last message of a channel.

    Fields:
        epoch: its epoch.
        top: the offset of the last publication.
        sequence: its number in the stream; 0 if there is none.
        until: when it expires, in seconds of the server's clock.
    """

    epoch: str
    top: int
    sequence: int
    until: float


class _NextPage(NamedTuple):
    """The start of the page after one that was read.

    Fields:
        begin: the number in the stream of its first message; 0 if unknown.
        at, newest: the position and number of the newest known message of the channel.
    """

    begin: int
    at: At
    newest: int


class _Channel:
    """The known state of a channel, and the publications that wait for their turn."""

    __slots__ = ("bytes", "free_at", "last", "streak", "task", "waiting")

    def __init__(self) -> None:
        self.last: _Last | None = None
        self.waiting: deque[WaitingPublication] | None = None
        self.bytes = 0
        self.task: asyncio.Task[None] | None = None
        # Messages sent without a pause, and the time of the last one.
        self.streak = 0
        self.free_at = 0.0


class NatsHistories:
    """The histories of all channels.

    Arguments:
        jetstream: stores the histories.
        subjects: the names of subjects and streams.
        timeout: seconds for the messages of a channel that are under way.
        note_strange: called for messages that no broker wrote.
    """

    def __init__(
        self,
        jetstream: JetStream,
        subjects: Subjects,
        timeout: float,
        note_strange: Callable[[str, Exception], None],
    ) -> None:
        self._jetstream = jetstream
        self._subjects = subjects
        self._timeout = timeout
        self._note_strange = note_strange
        self._channels: OrderedDict[str, _Channel] = OrderedDict()
        # By channel and last position of a page that was read.
        self._pages: OrderedDict[tuple[str, Position], _NextPage] = OrderedDict()

    async def stop(self) -> None:
        """Cancel all tasks; calls that wait get an error."""
        tasks = [channel.task for channel in self._channels.values() if channel.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def heard(self, name: str, at: At, sequence: int) -> None:
        """Record a message heard from a known channel: the next publication follows it."""
        channel = self._channels.get(name)
        if channel is None or channel.last is None:
            return
        last = channel.last
        if last.epoch == at.epoch and last.sequence < sequence and last.top <= at.top:
            channel.last = _Last(at.epoch, at.top, sequence, max(last.until, self._jetstream.now() + at.life))

    async def publish(self, name: str, payload: bytes, limits: Limits, key: str = "") -> Position | None:
        """Append to the history of a channel, with a key only once. The caller sets the deadline."""
        channel = self._channel(name)
        if channel.waiting is None:
            channel.waiting = deque()
        if len(channel.waiting) >= MAX_WAITING or channel.bytes + len(payload) > MAX_WAITING_BYTES:
            raise BrokerUnavailable(f"the NATS broker is too slow: too much waits to be published to {name!r}")
        future: asyncio.Future[Position | None] = asyncio.get_running_loop().create_future()
        channel.waiting.append(WaitingPublication(payload, limits, future, id_of(name, key) if key else ""))
        channel.bytes += len(payload)
        if channel.task is None:
            channel.task = asyncio.create_task(self._send(name, channel, channel.waiting), name="emmett publications")
        return await future

    async def read(
        self, name: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        """Read the history of a channel. The caller sets the deadline."""
        await self._require(name, limits)
        subject, stream = self._subjects.kept(name), self._subjects.stream(name)
        known = None if since is None else self._pages.pop((name, since), None)
        if since is not None and known is not None:
            page = await self._read_page(name, known, since, limit, limits, max_bytes)
            if page is not None:
                return page
        if limit == 0 or since is not None:
            # Usually nothing was missed, as the last message shows.
            newest = await self._jetstream.newest(stream, subject)
            at = self._at(name, newest)
            if newest is not None and at is not None and self._is_late(name, newest.sequence):
                at = None
            if newest is not None and at is not None and (limit == 0 or since == Position(at.epoch, at.top)):
                await self._prolong(name, newest.time + at.life, limits)
                return History([], Position(at.epoch, at.top), True)
            if newest is not None and at is not None and since is not None and (limit or max_bytes):
                next_page = _NextPage(0, at, newest.sequence)
                page = await self._read_page(name, next_page, since, limit, limits, max_bytes)
                if page is not None:
                    await self._prolong(name, newest.time + at.life, limits)
                    return page
        run = await self._read_run(name, stream, subject, limits)
        at, last = run[-1]
        await self._prolong(name, last.time + at.life, limits)
        return select(run, at.top, since, limit, limits, max_bytes, self._jetstream.now())

    async def remove(self, name: str, limits: Limits) -> None:
        """Remove the publications of a channel: those before a mark, which preserves the position."""
        await self._require(name, limits)
        subject, stream = self._subjects.kept(name), self._subjects.stream(name)
        for attempt in itertools.count():
            last = await self._learn(name)
            if last.top == 0:
                return
            try:
                await self._append(name, b"", last, 0, limits)
            except Conflict:
                await self._require(name, limits)
                await asyncio.sleep(backoff(attempt, FIRST_PAUSE, MAX_PAUSE))
                continue
            newest = self._channel(name).last
            await self._jetstream.remove(stream, subject, last.sequence + 1 if newest is None else newest.sequence)
            return

    # Reading.

    async def _read_page(
        self,
        name: str,
        known: _NextPage,
        since: Position,
        limit: int | None,
        limits: Limits,
        max_bytes: int | None,
    ) -> History | None:
        """Read no more of a history than is needed; return None if all of it must be read to answer."""
        (begin, at, last), target = known, Position(since.epoch, since.offset + 1)
        if since.epoch != at.epoch or not at.top - limits.size <= since.offset < at.top:
            return None
        begin = begin or await self._seek(name, target, last)
        subject, stream = self._subjects.kept(name), self._subjects.stream(name)
        run: Run = []
        is_all = False
        while not is_all and not (run and is_enough(run, since.offset, limit, max_bytes)):
            found, pending = await self._jetstream.read(stream, subject, begin, MAX_READ_MESSAGES, max_bytes)
            self._add_to_run(name, run, found)
            is_all = not pending or not found
            begin = found[-1].sequence + 1 if found else 0
        if not run or run[-1][0].epoch != since.epoch or run[0][0].offset > target.offset:
            return None
        if is_all and run[-1][1].sequence < last:
            # A server of a cluster that lags.
            return None
        if run[-1][0].top >= at.top:
            if not is_all:
                # A newer message has arrived meanwhile.
                return None
            at, last = run[-1][0], run[-1][1].sequence
        page = select(run, at.top, since, limit, limits, max_bytes, self._jetstream.now())
        if page.entries and (end := page.entries[-1].position) is not None and end != page.top:
            # The next page begins with the rest of this message, or with the next one.
            part = next(stored for its, stored in run if its.top >= end.offset)
            self._pages[name, end] = _NextPage(part.sequence, at, last)
            if len(self._pages) > MAX_PAGES:
                self._pages.popitem(last=False)
        return page

    async def _seek(self, name: str, target: Position, newest: int) -> int:
        subject, stream = self._subjects.kept(name), self._subjects.stream(name)

        async def probe(sequence: int) -> tuple[At, Stored] | None:
            found, _ = await self._jetstream.read(stream, subject, sequence, 1)
            at = self._at(name, found[0]) if found else None
            return None if at is None else (at, found[0])

        return await seek(probe, target, newest)

    async def _read_run(self, name: str, stream: str, subject: str, limits: Limits) -> Run:
        """Return the contiguous messages at the end of a channel; there is at least one."""
        pause = FIRST_PAUSE
        while True:
            run = await self._try_run(name, stream, subject, limits)
            if run and not self._is_late(name, run[-1][1].sequence):
                return run
            last = await self._learn(name)
            if last.top == 0:
                # There is no message, or none of ours: an epoch begins.
                await self._mark(name, last, limits)
            # Otherwise this was a server of a cluster that lags.
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE)

    async def _try_run(self, name: str, stream: str, subject: str, limits: Limits) -> Run:
        run: Run = []
        begin = 1
        while True:
            found, pending = await self._jetstream.read(stream, subject, begin, MAX_READ_MESSAGES)
            self._add_to_run(name, run, found)
            # Messages that will be trimmed anyway need not be held.
            del run[: max(0, len(run) - limits.size - 1)]
            if not pending or not found:
                return run
            begin = found[-1].sequence + 1

    def _add_to_run(self, name: str, run: Run, found: list[Stored]) -> None:
        """Add messages, and keep only the contiguous ones at the end."""
        for stored in found:
            at = self._at(name, stored)
            if at is None:
                run.clear()
                continue
            if run and (at.epoch != run[-1][0].epoch or at.offset + (at.size == 0) != run[-1][0].top + 1):
                # Another epoch, or messages that were trimmed during the read.
                run.clear()
            run.append((at, stored))

    def _is_late(self, name: str, sequence: int) -> bool:
        """Return whether a message cannot be the last one, because this process has stored or heard a later one."""
        channel = self._channels.get(name)
        return channel is not None and channel.last is not None and channel.last.sequence > sequence

    def _at(self, name: str, stored: Stored | None) -> At | None:
        """Return the position of a message; log the message and return None if no broker wrote it."""
        if stored is None:
            return None
        try:
            at = read_at(stored.headers)
            if at is None:
                raise ValueError("a message in its stream without a position")
            if at.size:
                unpack(at, stored.data)
        except ValueError as error:
            self._note_strange(name, error)
            return None
        return at

    async def _prolong(self, name: str, until: float, limits: Limits) -> None:
        """Ensure that the last message of a channel lives for another day, by adding a mark if necessary."""
        if until - self._jetstream.now() < LIFE_AT_LEAST:
            await self._mark(name, await self._learn(name), limits)

    async def _mark(self, name: str, last: _Last, limits: Limits) -> None:
        try:
            await self._append(name, b"", last, 0, limits)
        except Conflict:
            # Another node has added a mark, or the stream is gone.
            await self._require(name, limits)

    # Publishing.

    async def _send(self, name: str, channel: _Channel, waiting: deque[WaitingPublication]) -> None:
        """Send the publications that wait for a channel, until there are none."""
        futures: list[asyncio.Future[Position | None]] = []
        try:
            while waiting:
                some = take_together(waiting, min(MAX_PACKED_BYTES, self._jetstream.most_bytes()))
                channel.bytes = sum(len(each.payload) for each in waiting)
                if not some:
                    continue
                futures = [each.future for each in some]
                try:
                    async with asyncio.timeout(self._timeout):
                        await self._be_fair(channel)
                        first = await self._commit(name, some)
                except (BrokerUnavailable, TimeoutError) as error:
                    # The last message may be unknown now: the next publication will find out.
                    fail_all(futures, error)
                    continue
                channel.free_at = time.monotonic()
                for number, future in enumerate(futures):
                    if not future.done():
                        future.set_result(first and Position(first.epoch, first.offset + number))
        except BaseException as error:
            fail_all([*futures, *(each.future for each in waiting)], error)
            raise
        finally:
            channel.bytes = 0
            channel.task = channel.waiting = None

    async def _commit(self, name: str, some: list[WaitingPublication]) -> At | None:
        """Store publications as one message; return its position, or that of an earlier one with their key."""
        limits, id = some[0].limits, some[0].id
        await self._require(name, limits)
        data = pack([each.payload for each in some])
        for attempt in itertools.count():
            last = self._channel(name).last or await self._learn(name)
            try:
                return await self._append(name, data, last, len(some), limits, id)
            except Duplicate as earlier:
                return self._at(name, await self._jetstream.message(self._subjects.stream(name), earlier.sequence))
            except Conflict:
                await self._require(name, limits)
                if attempt:
                    await asyncio.sleep(backoff(attempt, FIRST_PAUSE, MAX_PAUSE))
                self._channel(name).last = await self._learn(name)
        raise AssertionError("attempts never end")

    async def _append(self, name: str, data: bytes, last: _Last, size: int, limits: Limits, id: str = "") -> At:
        """Store a message after the last one.

        Raises:
            Conflict: another message is the last one.
            Duplicate: there is a message with this ID.
        """
        now, ttl = self._jetstream.now(), min(limits.ttl, MAX_TTL)
        life = math.ceil(max(ttl + LIFE_BEYOND, last.until - now)) + 1
        at = At(last.epoch, last.top + (size > 0), size, max(1, math.ceil(ttl * 1000)), life)
        subject, stream = self._subjects.kept(name), self._subjects.stream(name)
        headers = {FIELD: str(at), "Nats-Msg-Id": id} if id else {FIELD: str(at)}
        sequence = await self._jetstream.append(stream, subject, data, headers, life, last.sequence)
        channel = self._channel(name)
        known = channel.last
        # A later message may already have been heard.
        if known is None or known.sequence < sequence or known.epoch != at.epoch:
            channel.last = _Last(at.epoch, at.top, sequence, now + life + 1)
        return at

    async def _learn(self, name: str) -> _Last:
        """Return the last message of a channel; with a top of 0, the message that the next epoch follows."""
        channel = self._channel(name)
        known = channel.last
        stored = await self._jetstream.last(self._subjects.stream(name), self._subjects.kept(name))
        at = self._at(name, stored)
        if stored is None or at is None or stored.time + at.life < self._jetstream.now():
            at = None
        elif known is not None and known.epoch == at.epoch:
            if known.top <= at.top and known.sequence <= stored.sequence:
                return _Last(at.epoch, at.top, stored.sequence, stored.time + at.life)
            logger.warning("the NATS broker has lost publications of %r: another epoch begins", name)
            at = None
        elif channel.last is known:
            # From an epoch that has ended.
            channel.last = None
        if stored is not None and at is not None:
            return _Last(at.epoch, at.top, stored.sequence, stored.time + at.life)
        return _Last(secrets.token_hex(8), 0, 0 if stored is None else stored.sequence, 0.0)

    async def _require(self, name: str, limits: Limits) -> None:
        source, destination = self._subjects.republish(name)
        config = {
            "subjects": [source],
            "republish": {"src": source, "dest": destination},
            "duplicate_window": int(KEY_KEPT * 1e9),
        }
        await self._jetstream.require(self._subjects.stream(name), limits.size, config)

    async def _be_fair(self, channel: _Channel) -> None:
        channel.streak = channel.streak + 1 if time.monotonic() - channel.free_at < COURTESY else 0
        if channel.streak >= STREAK:
            channel.streak = 0
            await asyncio.sleep(COURTESY)

    def _channel(self, name: str) -> _Channel:
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = _Channel()
            if len(self._channels) > MAX_KNOWN:
                oldest, other = self._channels.popitem(last=False)
                if other.task is not None:
                    # It is in use, so it moves to the end of the queue.
                    self._channels[oldest] = other
        return channel
