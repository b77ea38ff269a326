"""The link for subscriptions: keep those at one server, and restore them after each loss."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from typing import Any, NamedTuple

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import InvalidResponse, ResponseError

from ....errors import BrokerRefused, BrokerUnavailable
from ...names import is_pattern
from ..liveness import TICKS
from ..port import BATCH, Listener
from .address import RedisAddress
from .format import RedisNames, unpack
from .link import RedisLink
from .refusals import refused

# Names that may be unconfirmed before no more are sent to the server.
MAX_UNCONFIRMED = 2_000
# Ticks after which a subscription that was made before and is now refused is tried again.
RETRY_EVERY = 6 * TICKS
SUBSCRIBING = (b"subscribe", b"psubscribe")

logger = logging.getLogger("emmett.channels")


class RedisSubscription:
    """A subscription to a channel or a pattern, confirmed or not."""

    __slots__ = ("is_alone", "is_confirmed", "is_pattern", "name", "refusal", "waiter", "wire")

    def __init__(self, name: str, wire: bytes) -> None:
        self.name = name
        self.wire = wire
        self.is_pattern = is_pattern(name)
        # Whether the server has confirmed it.
        self.is_confirmed = False
        # The error, if the server has refused it.
        self.refusal: BrokerUnavailable | None = None
        # Whether it gets a separate command, because the server refused it together with others.
        self.is_alone = False
        # Done when it is confirmed or refused, with None; or with the reason why the connection was lost.
        self.waiter: asyncio.Future[str | None] | None = None

    def settle(self, why: str | None) -> None:
        """Wake the callers that wait for it."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(why)


class Expected(NamedTuple):
    """A confirmation to come: its verb, its subscription (none for a PING), and whether it ends its command."""

    verb: bytes
    name: RedisSubscription | None
    is_last: bool


class RedisFeed(RedisLink):
    """Subscriptions at one server.

    Arguments:
        listener: receives the publications; `lost` and `restored` are called with names.
        names: the names on the server.
        prepare: awaited on each new connection before subscribing. When all subscriptions are restored, the listener
            requests what was missed, and the answer must be possible by then.
    """

    def __init__(
        self,
        pick: Callable[[], Awaitable[RedisAddress]],
        timeout: float,
        name: str,
        listener: Listener,
        names: RedisNames,
        prepare: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(pick, timeout, name)
        self._listener = listener
        self._wire = names
        self._prepare = prepare
        self._names: dict[str, RedisSubscription] = {}
        self._channels: dict[bytes, RedisSubscription] = {}
        self._patterns: dict[bytes, RedisSubscription] = {}
        # Verbs and the subscriptions to apply them to, in order. A verb without a subscription is a PING.
        self._outgoing: deque[tuple[bytes, RedisSubscription | None]] = deque()
        self._expected: deque[Expected] = deque()
        # Whether a loss was reported to the listener, for which names, and which of them are restored.
        self._was_begun = False
        self._is_lost = False
        self._lost: set[str] = set()
        self._back: list[str] = []
        # Names that the server has refused.
        self._refused: set[str] = set()
        self._ticks = 0

    def begin(self, names: Collection[str]) -> list[str]:
        """Begin to subscribe; return the names that are new.

        Raises:
            BrokerUnavailable: there is no connection.
        """
        if self.away is not None:
            raise self.unavailable()
        new = [name for name in dict.fromkeys(names) if name not in self._names]
        for text in new:
            name = self._names[text] = RedisSubscription(text, self._wire.wire_name(text))
            (self._patterns if name.is_pattern else self._channels)[name.wire] = name
            if self.is_up:
                self._subscribe(name)
        return new

    async def wait(self, names: Collection[str]) -> None:
        """Wait until the server has confirmed names.

        Raises:
            BrokerUnavailable: the server has not confirmed them in time, or the connection was lost.
            BrokerRefused: the server refuses some names, which the error lists.
        """
        waiters = []
        for text in names:
            name = self._names.get(text)
            if name is None:
                raise self.unavailable("it was unsubscribed from meanwhile")
            if not name.is_confirmed and name.refusal is None:
                if self.away is not None:
                    raise self.unavailable()
                name.waiter = name.waiter or asyncio.get_running_loop().create_future()
                waiters.append(name.waiter)
        if waiters:
            done, late = await asyncio.wait(waiters, timeout=self.timeout)
            why = "no answer in time" if late else next(filter(None, (waiter.result() for waiter in done)), None)
            if why is not None:
                raise self.unavailable(why)
        refusals = {text: name.refusal for text in names if (name := self._names.get(text)) and name.refusal}
        for error in refusals.values():
            if isinstance(error, BrokerRefused):
                raise BrokerRefused(error.message, refusals)
            raise BrokerUnavailable(error.message)

    def end(self, names: Collection[str]) -> None:
        """Unsubscribe without waiting for an answer."""
        for text in names:
            name = self._names.pop(text, None)
            if name is None:
                continue
            (self._patterns if name.is_pattern else self._channels).pop(name.wire, None)
            self._refused.discard(text)
            if text in self._lost:
                self._lost.discard(text)
                if name.is_confirmed:
                    self._back.remove(text)
            name.settle("it was unsubscribed from meanwhile")
            if self.is_up:
                self._outgoing.append((_verb(b"unsubscribe", name), name))
        self._report_restored()
        self._wake.set()

    def misses(self, text: str) -> bool:
        """Return whether the loss of a name was reported here, and its return not yet."""
        return text in self._lost

    def tick(self) -> None:
        super().tick()
        self._ticks += 1
        if self.is_up and self._ticks % RETRY_EVERY == 0:
            for text in self._refused & self._lost:
                self._subscribe(self._names[text])

    async def stop(self) -> None:
        # Nothing is reported from here on.
        self._channels.clear()
        self._patterns.clear()
        for name in self._names.values():
            name.is_confirmed = False
        self._lost.clear()
        self._was_begun = False
        self._refused.clear()
        await super().stop()
        self._names.clear()

    async def _greet(self, connection: AbstractConnection) -> None:
        await self._prepare()

    def _begin(self) -> None:
        self._expected.clear()
        self._back.clear()
        self._outgoing.clear()
        self._outgoing.extend((b"subscribe", name) for name in self._channels.values())
        self._outgoing.extend((b"psubscribe", name) for name in self._patterns.values())
        for text in self._refused:
            # It may be permitted now.
            self._names[text].refusal = None
        self._refused.clear()
        self._was_begun = True
        self._report_restored()

    def _fail(self, is_away: bool) -> None:
        lost = [name for name in self._names.values() if name.is_confirmed]
        self._outgoing.clear()
        self._expected.clear()
        for name in lost:
            name.is_confirmed = False
        self._lost.update(name.name for name in lost)
        self._back.clear()
        for name in self._names.values():
            name.settle(self.away or "the connection was lost")
        # Even without any names: the presence data may be lost, too.
        if lost or (self._was_begun and not self._is_lost):
            self._is_lost = True
            self._listener.lost([name.name for name in lost])

    def _ping(self) -> None:
        self._outgoing.append((b"ping", None))
        self._wake.set()

    def _pack(self, connection: AbstractConnection) -> list[bytes]:
        parts: list[bytes] = []
        while self._outgoing and len(self._expected) < MAX_UNCONFIRMED:
            verb, name = self._outgoing[0]
            if name is None:
                self._outgoing.popleft()
                self._expected.append(Expected(verb, None, True))
                parts += connection.pack_command("PING")
                continue
            batch = self._take_batch(verb)
            self._expected.extend(Expected(verb, name, name is batch[-1]) for name in batch)
            parts += connection.pack_command(verb.upper(), *(name.wire for name in batch))
        return parts

    def _take_batch(self, verb: bytes) -> list[RedisSubscription]:
        """Remove and return the names of one command from the queue."""
        batch: list[RedisSubscription] = []
        while self._outgoing and self._outgoing[0][0] == verb and len(batch) < BATCH:
            name = self._outgoing[0][1]
            if name is None or (name.is_alone and batch):
                break
            self._outgoing.popleft()
            batch.append(name)
            if name.is_alone:
                break
        return batch

    def _take(self, reply: Any) -> None:
        match reply:
            case [b"message", bytes() as wire, data]:
                self._hear(self._channels.get(wire), None, data)
            case [b"pmessage", bytes() as pattern, bytes() as wire, data]:
                self._hear(self._patterns.get(pattern), wire, data)
            case [b"subscribe" | b"psubscribe" | b"unsubscribe" | b"punsubscribe" as verb, bytes() as wire, _]:
                self._confirm(verb, wire)
            case [b"pong", _] | b"PONG":
                self._confirm(b"ping", None)
            case ResponseError() as error if self._expected:
                self._refuse(error)
            case Exception():
                raise reply
            case _:
                raise InvalidResponse("neither a publication nor a confirmation")

    def _hear(self, name: RedisSubscription | None, wire: bytes | None, data: object) -> None:
        # It was under way during the unsubscribe.
        if name is None:
            return
        try:
            channel = name.name if wire is None else self._wire.channel(wire)
            entry = unpack(data)
        except ValueError as error:
            self._note_strange(name, error)
            return
        try:
            self._listener.heard(name.name, channel, entry)
        except Exception:
            logger.exception("a listener of the Redis broker failed, which must not happen")

    def _note_strange(self, name: RedisSubscription, error: ValueError) -> None:
        """Log what another program has published, at most once a minute."""
        self._log.warn(
            "channel %s: ignored a publication that no broker of emmett made: %s",
            *(name.name, error),
        )

    def _confirm(self, verb: bytes, wire: bytes | None) -> None:
        expected = self._expected.popleft() if self._expected else None
        if expected is None or expected.verb != verb or (expected.name and expected.name.wire) != wire:
            raise InvalidResponse("a confirmation without a command")
        _, name, is_last = expected
        if name is not None and verb in SUBSCRIBING and self._names.get(name.name) is name:
            name.is_confirmed, name.is_alone, name.refusal = True, False, None
            self._refused.discard(name.name)
            name.settle(None)
            if name.name in self._lost:
                self._back.append(name.name)
        if is_last:
            self._report_restored()
            # There may be room for another batch.
            self._wake.set()

    def _refuse(self, error: ResponseError) -> None:
        """Handle the refusal of a command. It fails as a whole, even if only one of its names is forbidden."""
        names: list[RedisSubscription] = []
        while self._expected:
            verb, name, is_last = self._expected.popleft()
            if name is not None and verb in SUBSCRIBING and self._names.get(name.name) is name:
                names.append(name)
            if is_last:
                break
        if len(names) > 1:
            for name in names:
                name.is_alone = True
                self._subscribe(name)
        elif names:
            [name] = names
            label = "" if self.address is None else self.address.label
            name.refusal = refused(error, label)
            self._refused.add(name.name)
            name.settle(None)
            self._log.warn("%s may not be subscribed to: %s", name.name, name.refusal.message)
            self._report_restored()
        # There may be room for another batch.
        self._wake.set()

    def _subscribe(self, name: RedisSubscription) -> None:
        self._outgoing.append((_verb(b"subscribe", name), name))
        self._wake.set()

    def _report_restored(self) -> None:
        """Report once when everything that was lost is restored: the hub then recovers what was missed, everywhere.

        Names that are now refused stay lost, and nothing else waits for them.
        """
        is_whole = len(self._back) + len(self._refused & self._lost) == len(self._lost)
        if self.is_up and is_whole and (self._is_lost or self._back):
            self._is_lost = False
            restored, self._back = self._back, []
            self._lost.difference_update(restored)
            self._listener.restored(restored)


def _verb(verb: bytes, name: RedisSubscription) -> bytes:
    return b"p" + verb if name.is_pattern else verb
