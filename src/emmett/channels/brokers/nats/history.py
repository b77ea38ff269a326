"""Publications with a position: one order for all nodes, and nothing heard that is not kept.

A channel is a subject of a stream; there is one stream for each namespace. Whoever publishes gives the message its
offset, one more than that of the last message, and asks the server to store it only if that one is still the last of
its subject (`Nats-Expected-Last-Subject-Sequence`). So offsets are 1, 2, 3 and so on, whoever publishes, and an answer
that was lost does no harm: the message is the last one or it is not, and the next to publish finds that out.

Nobody subscribes to the subject that is published to: there also a message would be heard that is refused then. The
stream itself publishes what it has stored on the subject of the channel, in its order (`republish`).

What this process knows of the last message is remembered, from what it publishes and hears; so a publication is one
round trip. Where another node was faster it is refused, the last message is read, and it is tried again. Publications
that come while one of their channel is under way wait, and leave together as one message. A process that publishes
without a pause makes one now and then, or it would always be the fastest.

An epoch ends with the last message of its subject: then nobody knows the offsets any more, and another one begins, with
a name that there never was. So no message lives longer than one behind it, and reading a channel to which nothing is
published leaves a mark that keeps its epoch. An epoch ends, too, when a node finds that the server has lost messages
which it had confirmed, as it may when its machine fails before they are on the disk; and behind a message in the stream
that no broker wrote.
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

from ....errors import BrokerRefused, BrokerUnavailable
from ...publication import Position
from ..backoff import backoff
from ..port import History, Limits
from .format import FIELD, MAX_PACKED, MAX_PACKED_BYTES, At, pack, read_at, unpack
from .jetstream import MAX_READ_MESSAGES, Conflict, JetStream, Stored
from .pages import Run, is_enough, seek, select
from .subjects import Subjects

# Seconds for which the last message outlives its publications, and with it the epoch; and how long it has still to live
# when somebody has read it.
LIFE_BEYOND = 2 * 86_400.0
LIFE_AT_LEAST = 86_400.0 + 3_600.0
MAX_TTL = 10 * 365 * 86_400.0
# Channels whose last message is remembered.
MAX_KNOWN = 16_384
# Pages of which it is remembered where the next one begins.
MAX_PAGES = 4_096
# Publications of a channel that may wait for their turn, and their bytes.
MAX_WAITING = 16_384
MAX_WAITING_BYTES = 32 * 1024 * 1024
# Messages after which who publishes without a pause lets others go first, and for how many seconds.
STREAK = 16
COURTESY = 0.002
# Seconds before a message that was refused is tried again: a random part of it, doubled each time.
FIRST_PAUSE = 0.001
MAX_PAUSE = 0.1

logger = logging.getLogger("emmett.channels")


class _Last(NamedTuple):
    """The last message of a channel.

    Fields:
        epoch: its epoch.
        top: the offset of the last publication.
        sequence: its number in the stream; 0 if there is none.
        until: when it ends, in seconds of the server's clock.
    """

    epoch: str
    top: int
    sequence: int
    until: float


class _NextPage(NamedTuple):
    """Where a page begins that follows one that was read.

    Fields:
        begin: the number in the stream of its first message; 0 if that is to be found out.
        at, newest: where the newest message of the channel is, and its number, as far as is known.
    """

    begin: int
    at: At
    newest: int


class _Channel:
    """What is known of a channel, and the publications that wait for their turn."""

    __slots__ = ("bytes", "free_at", "last", "streak", "task", "waiting")

    def __init__(self) -> None:
        self.last: _Last | None = None
        self.waiting: deque[tuple[bytes, Limits, asyncio.Future[Position]]] | None = None
        self.bytes = 0
        self.task: asyncio.Task[None] | None = None
        # Messages that were sent without a pause, the last of them at this time.
        self.streak = 0
        self.free_at = 0.0


class NatsHistories:
    """The histories of all channels.

    Arguments:
        jetstream: it keeps them.
        subjects: how they are called.
        timeout: seconds for the messages of a channel that are under way.
        note_strange: told of messages that no broker wrote.
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
        # By channel and the last position of a page that was read.
        self._pages: OrderedDict[tuple[str, Position], _NextPage] = OrderedDict()

    async def stop(self) -> None:
        """End all tasks; who waits gets an error."""
        tasks = [channel.task for channel in self._channels.values() if channel.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def heard(self, name: str, at: At, sequence: int) -> None:
        """Note what was heard, of a channel that is known: the next publication follows it."""
        channel = self._channels.get(name)
        if channel is None or channel.last is None:
            return
        last = channel.last
        if last.epoch == at.epoch and last.sequence < sequence and last.top <= at.top:
            channel.last = _Last(at.epoch, at.top, sequence, max(last.until, self._jetstream.now() + at.life))

    async def publish(self, name: str, payload: bytes, limits: Limits) -> Position:
        """Append to the history of a channel; its deadline is the caller's."""
        channel = self._channel(name)
        if channel.waiting is None:
            channel.waiting = deque()
        if len(channel.waiting) >= MAX_WAITING or channel.bytes + len(payload) > MAX_WAITING_BYTES:
            raise BrokerUnavailable(f"the NATS broker is too slow: too much waits to be published to {name!r}")
        future: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        channel.waiting.append((payload, limits, future))
        channel.bytes += len(payload)
        if channel.task is None:
            channel.task = asyncio.create_task(self._send(name, channel, channel.waiting), name="emmett publications")
        return await future

    async def read(
        self, name: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        """Read the history of a channel; its deadline is the caller's."""
        await self._require(name, limits)
        subject, stream = self._subjects.kept(name), self._subjects.stream(name)
        known = None if since is None else self._pages.pop((name, since), None)
        if since is not None and known is not None:
            page = await self._read_page(name, known, since, limit, limits, max_bytes)
            if page is not None:
                return page
        if limit == 0 or since is not None:
            # Mostly nothing was missed, and the last message tells so.
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
        """Read no more of a history than is asked for; None where all of it must be read to answer."""
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
            # A server of a cluster that is late.
            return None
        if run[-1][0].top >= at.top:
            if not is_all:
                # There is a newer one meanwhile.
                return None
            at, last = run[-1][0], run[-1][1].sequence
        page = select(run, at.top, since, limit, limits, max_bytes, self._jetstream.now())
        if page.entries and (end := page.entries[-1].position) is not None and end != page.top:
            # Where the next page begins: with what is left of this message, or with the next one.
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
        """Return the messages at the end of a channel that belong together; there is one at least."""
        pause = FIRST_PAUSE
        while True:
            run = await self._try_run(name, stream, subject, limits)
            if run and not self._is_late(name, run[-1][1].sequence):
                return run
            last = await self._learn(name)
            if last.top == 0:
                # Nothing, or nothing of ours, is there: an epoch begins.
                await self._mark(name, last, limits)
            # Otherwise this was a server of a cluster that is late.
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE)

    async def _try_run(self, name: str, stream: str, subject: str, limits: Limits) -> Run:
        run: Run = []
        begin = 1
        while True:
            found, pending = await self._jetstream.read(stream, subject, begin, MAX_READ_MESSAGES)
            self._add_to_run(name, run, found)
            # What is trimmed anyway need not be held.
            del run[: max(0, len(run) - limits.size - 1)]
            if not pending or not found:
                return run
            begin = found[-1].sequence + 1

    def _add_to_run(self, name: str, run: Run, found: list[Stored]) -> None:
        """Add messages, and leave only those at the end that belong together."""
        for stored in found:
            at = self._at(name, stored)
            if at is None:
                run.clear()
                continue
            if run and (at.epoch != run[-1][0].epoch or at.offset + (at.size == 0) != run[-1][0].top + 1):
                # Another epoch, or some were trimmed while they were read.
                run.clear()
            run.append((at, stored))

    def _is_late(self, name: str, sequence: int) -> bool:
        """Tell whether a message cannot be the last one, since this process has stored or heard a later one."""
        channel = self._channels.get(name)
        return channel is not None and channel.last is not None and channel.last.sequence > sequence

    def _at(self, name: str, stored: Stored | None) -> At | None:
        """Return where a message stands; None, and a line in the log, where no broker wrote it."""
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
        """See that the last message of a channel lives on for a day, by a mark behind it if need be."""
        if until - self._jetstream.now() < LIFE_AT_LEAST:
            await self._mark(name, await self._learn(name), limits)

    async def _mark(self, name: str, last: _Last, limits: Limits) -> None:
        try:
            await self._append(name, b"", last, 0, limits)
        except Conflict:
            # Somebody else has done so, or the stream is gone.
            await self._require(name, limits)

    # Publishing.

    async def _send(
        self, name: str, channel: _Channel, waiting: deque[tuple[bytes, Limits, asyncio.Future[Position]]]
    ) -> None:
        """Send what waits for a channel, until nothing does."""
        futures: list[asyncio.Future[Position]] = []
        try:
            while waiting:
                payloads, limits, futures = _take(waiting, min(MAX_PACKED_BYTES, self._jetstream.most_bytes()))
                channel.bytes = sum(len(payload) for payload, _, _ in waiting)
                if not payloads:
                    continue
                try:
                    async with asyncio.timeout(self._timeout):
                        await self._be_fair(channel)
                        first = await self._commit(name, payloads, limits)
                except (BrokerUnavailable, TimeoutError) as error:
                    # Which message is the last one may not be known now: the next one will find out.
                    _fail(futures, error)
                    continue
                channel.free_at = time.monotonic()
                for number, future in enumerate(futures):
                    if not future.done():
                        future.set_result(Position(first.epoch, first.offset + number))
        except BaseException as error:
            _fail([*futures, *(future for _, _, future in waiting)], error)
            raise
        finally:
            channel.bytes = 0
            channel.task = channel.waiting = None

    async def _commit(self, name: str, payloads: list[bytes], limits: Limits) -> At:
        """Store publications as one message; returns where it stands."""
        await self._require(name, limits)
        data = pack(payloads)
        for attempt in itertools.count():
            last = self._channel(name).last or await self._learn(name)
            try:
                return await self._append(name, data, last, len(payloads), limits)
            except Conflict:
                await self._require(name, limits)
                if attempt:
                    await asyncio.sleep(backoff(attempt, FIRST_PAUSE, MAX_PAUSE))
                self._channel(name).last = await self._learn(name)
        raise AssertionError("attempts never end")

    async def _append(self, name: str, data: bytes, last: _Last, size: int, limits: Limits) -> At:
        """Store a message behind the last one.

        Raises:
            Conflict: that is not the last one.
        """
        now, ttl = self._jetstream.now(), min(limits.ttl, MAX_TTL)
        life = math.ceil(max(ttl + LIFE_BEYOND, last.until - now)) + 1
        at = At(last.epoch, last.top + (size > 0), size, max(1, math.ceil(ttl * 1000)), life)
        subject, stream = self._subjects.kept(name), self._subjects.stream(name)
        sequence = await self._jetstream.append(stream, subject, data, {FIELD: str(at)}, life, last.sequence)
        channel = self._channel(name)
        known = channel.last
        # A later one may have been heard already.
        if known is None or known.sequence < sequence or known.epoch != at.epoch:
            channel.last = _Last(at.epoch, at.top, sequence, now + life + 1)
        return at

    async def _learn(self, name: str) -> _Last:
        """Return the last message of a channel; or, with a top of 0, what the first one of another epoch follows."""
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
            # Of an epoch that has ended.
            channel.last = None
        if stored is not None and at is not None:
            return _Last(at.epoch, at.top, stored.sequence, stored.time + at.life)
        return _Last(secrets.token_hex(8), 0, 0 if stored is None else stored.sequence, 0.0)

    async def _require(self, name: str, limits: Limits) -> None:
        source, destination = self._subjects.republish(name)
        config = {"subjects": [source], "republish": {"src": source, "dest": destination}}
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
                    # It is in use, and goes to the end of the line.
                    self._channels[oldest] = other
        return channel


def _take(
    waiting: deque[tuple[bytes, Limits, asyncio.Future[Position]]], most: int
) -> tuple[list[bytes], Limits, list[asyncio.Future[Position]]]:
    """Take publications that leave as one message. Those whose callers have gone are left out."""
    payloads: list[bytes] = []
    futures: list[asyncio.Future[Position]] = []
    size, limits = 0, waiting[0][1]
    while waiting and len(payloads) < MAX_PACKED:
        payload, their_limits, future = waiting[0]
        size += len(payload) + 4
        if payloads and (size > most or their_limits != limits):
            break
        waiting.popleft()
        if not future.done():
            payloads.append(payload)
            futures.append(future)
            limits = their_limits
    return payloads, limits, futures


def _fail(futures: list[asyncio.Future[Position]], error: BaseException) -> None:
    """Give everybody an error of their own: one that is shared would collect their tracebacks."""
    kind = BrokerRefused if isinstance(error, BrokerRefused) else BrokerUnavailable
    if isinstance(error, BrokerUnavailable):
        message = error.message
    elif isinstance(error, TimeoutError):
        message = "the NATS broker does not answer: no answer in time"
    else:
        message = "the NATS broker does not answer: it was stopped"
    for future in futures:
        if not future.done():
            future.set_exception(kind(message))
            # Who has asked may be gone.
            future.exception()
