"""The result of `channels.subscribe(...)`: a context manager that yields the feed of publications."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from .. import checks
from ..errors import ChannelDenied, ConfigurationError, InvalidChannel, UsageError
from .encoding import Encode, data_only, encode_info
from .feed import Feed
from .hub import Hub
from .names import MAX_NAMES, check_apart, check_names, is_pattern
from .outlet import Outlet
from .presence import Presence
from .publication import Position, Publication
from .receiver import Receiver
from .since import Since, parse_since
from .sink import Sink

_check_count = checks.whole_number(least=0, most=1_000_000)
# Bytes in the name of a member, and in its info.
MAX_MEMBER_LENGTH = 200
MAX_INFO_SIZE = 4096


class Running(Protocol):
    """The parts that run while the channels are started."""

    @property
    def hub(self) -> Hub:
        """The hub."""

    @property
    def presence(self) -> Presence:
        """The members of this process."""


class Front(Protocol):
    """The channels, as a subscription sees them."""

    def running(self) -> Running:
        """Return the running parts. Raises `UsageError` if the channels have not started."""


class Subscription:
    """A subscriber of one or several channels: an async context manager, and without `deliver` an async iterator.

    Arguments:
        front: the channels.
        names: channels and patterns.
        since, recent, deliver, encode, member, info: as for `Channels.subscribe`.

    Attributes:
        recovered: whether everything missed since the position was recovered; None without a position.
    """

    __slots__ = (
        "_check",
        "_encode",
        "_front",
        "_info",
        "_joined",
        "_lock",
        "_member",
        "_names",
        "_receiver",
        "_recent",
        "_running",
        "_since",
        "_sink",
        "recovered",
    )

    def __init__(
        self,
        front: Front,
        names: Sequence[str],
        since: Since | Mapping[str, Since],
        deliver: Sink | None,
        encode: Encode | None,
        member: str | None,
        info: Any,
        recent: int = 0,
        check: bool = True,
    ) -> None:
        self.recovered: bool | None = None
        self._front = front
        self._names = names
        self._since = since
        # In another task, the handle `emmett.websocket` refers to another connection.
        self._sink: Sink | None = getattr(deliver, "connection", deliver)
        self._encode = encode
        self._member = member
        self._info = info
        self._recent = recent
        self._check = check
        self._running: Running | None = None
        self._receiver: Receiver | None = None
        # The channels that the member joined, and the connection in each.
        self._joined: dict[str, str] = {}
        # Keeps changes of the channels apart; None before the first.
        self._lock: asyncio.Lock | None = None
        if encode is not None and deliver is None:
            raise ConfigurationError("subscribe(encode=…) requires deliver=websocket, which gets the encoded messages")
        if info is not None and member is None:
            raise ConfigurationError("subscribe(info=…) requires member=…, which the info belongs to")

    @property
    def id(self) -> str:
        """The id of this subscriber, unique among all nodes, for `exclude` of `Channels.publish`.

        It cannot be guessed, so a client may send it back with what it publishes by other means.

        Raises:
            UsageError: the subscription is not entered.
        """
        return self._front.running().hub.identities.id_of(self._entered())

    @property
    def positions(self) -> dict[str, Position]:
        """The position up to which everything was read or passed to the socket, by channel with history."""
        return {} if self._receiver is None else self._receiver.positions

    @property
    def position(self) -> Position | None:
        """The position in the only channel; None without history.

        Raises:
            UsageError: there are several channels: see `positions`.
        """
        channels = {name for name in self._names if not is_pattern(name)}
        if len(channels) > 1:
            raise UsageError("there are several channels: use positions, which has one for each")
        return self.positions.get(channels.pop()) if channels else None

    @property
    def dropped(self) -> int:
        """The number of publications dropped because they were not taken fast enough."""
        return 0 if self._receiver is None else self._receiver.dropped

    async def __aenter__(self) -> Self:
        """Subscribe. See `Channels.subscribe` for the errors it raises."""
        if self._receiver is not None:
            raise UsageError("a subscription is entered once: call subscribe() again")
        running = self._front.running()
        hub = running.hub
        names = check_names(self._names)
        since = _resolve_since(hub, names, self._since)
        _check_recent(hub, names, self._recent)
        member, info = self._check_member(hub, names)
        self._names = names
        for name in names if self._check else ():
            await _ask(hub, name)
        receiver = self._receiver = self._make_receiver(hub)
        if self._sink is not None:
            await self._sink.accept()
        self.recovered = await hub.enter(receiver, names, since, self._recent)
        self._running = running
        try:
            await self._appear(running, names, member, info)
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave all channels."""
        await self._leave()

    async def add(self, *names: str, since: Since | Mapping[str, Since] = None, recent: int = 0) -> bool | None:
        """Subscribe to more channels, without an interruption of the others. Those that it has already are ignored.

        Arguments:
            names, since, recent: as for `Channels.subscribe`.

        Returns:
            Whether everything missed since the positions was recovered; None without a position.

        Raises:
            BrokerUnavailable, ChannelDenied, ConfigurationError: as `Channels.subscribe`; nothing is added.
            InvalidChannel: a name is invalid or overlaps with a pattern of the subscription, or there would be more
                than 128.
            UsageError: the subscription is not entered.
        """
        receiver = self._entered()
        async with self._changing():
            running = self._running
            new = [name for name in check_names(names) if name not in self._names]
            if running is None or not new:
                return None
            hub = running.hub
            check_apart(new, self._names)
            if len(self._names) + len(new) > MAX_NAMES:
                raise InvalidChannel(f"{len(self._names) + len(new)} channels for one subscriber: at most {MAX_NAMES}")
            positions = _resolve_since(hub, new, since)
            _check_recent(hub, new, recent)
            for name in new if self._check else ():
                await _ask(hub, name)
            recovered = await hub.add(receiver, new, positions, recent)
            try:
                await self._appear(running, new, self._member, encode_info(self._info))
            except BaseException:
                hub.remove(receiver, new)
                await self._disappear(running, new)
                raise
            self._names = (*self._names, *new)
            return recovered

    async def remove(self, *names: str) -> None:
        """Unsubscribe from channels; the rest goes on. Nothing of them arrives once this is called.

        Those that it does not have are ignored. A subscription without any channel waits for `add`.

        Raises:
            InvalidChannel: a name overlaps with a pattern of the subscription.
            UsageError: the subscription is not entered.
        """
        receiver = self._entered()
        async with self._changing():
            running = self._running
            left = tuple(name for name in self._names if name not in names)
            gone = [name for name in self._names if name in names]
            if running is None:
                return
            check_apart(gone, left)
            self._names = left
            running.hub.remove(receiver, gone)
            await self._disappear(running, gone)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Publication:
        """Return the next publication.

        Raises:
            SlowSubscriber: the queue overflowed, and the namespace does not allow publications to be dropped.
            UsageError: the subscription is not entered, delivers to a socket, or is being read by another task.
        """
        receiver = self._receiver
        if receiver is None:
            raise UsageError("the subscription is not entered: write async with channels.subscribe(…) as feed")
        if not isinstance(receiver, Feed):
            raise UsageError("the publications go to the socket: leave out deliver=… to read them")
        return await receiver.next()

    def _entered(self) -> Receiver:
        if self._receiver is None:
            raise UsageError("the subscription is not entered: write async with channels.subscribe(…) as subscription")
        return self._receiver

    def _changing(self) -> asyncio.Lock:
        self._lock = self._lock or asyncio.Lock()
        return self._lock

    async def _appear(self, running: Running, names: Sequence[str], member: str | None, info: bytes) -> None:
        """Let the member be present in those of the channels that have presence."""
        for name in names:
            if member is not None and not is_pattern(name) and running.hub.namespaces.of(name).presence:
                self._joined[name] = await running.presence.join(name, member, info)
        if self._running is None:
            # It was left meanwhile.
            await self._disappear(running, names)

    async def _disappear(self, running: Running, names: Sequence[str]) -> None:
        joined = [(name, self._joined.pop(name)) for name in names if name in self._joined]
        if joined and not running.hub.is_stopped:
            # Leave even when cancelled.
            await asyncio.shield(running.hub.tasks.start(_leave_all(running.presence, joined)))

    def _make_receiver(self, hub: Hub) -> Receiver:
        if self._sink is None:
            return Feed(hub.counters, hub.leave, hub.log)
        encode = self._encode or data_only
        return Outlet(self._sink, encode, hub.counters, hub.leave, hub.closer, hub.log)

    def _check_member(self, hub: Hub, names: Sequence[str]) -> tuple[str | None, bytes]:
        member = self._member
        if member is None:
            return None, b"null"
        if not 0 < len(member.encode()) <= MAX_MEMBER_LENGTH:
            raise ValueError(f"member is {member!r}: expected a str of 1 to {MAX_MEMBER_LENGTH} bytes in UTF-8")
        if not any(hub.namespaces.of(name).presence and not is_pattern(name) for name in names):
            raise ConfigurationError(f"none of {', '.join(names)} has presence: declare a namespace with presence=True")
        info = encode_info(self._info)
        if len(info) > MAX_INFO_SIZE:
            raise ValueError(f"the info of a member is {len(info)} bytes of JSON: expected at most {MAX_INFO_SIZE}")
        return member, info

    async def _leave(self) -> None:
        if self._receiver is None or self._running is None:
            return
        running, self._running = self._running, None
        running.hub.leave(self._receiver)
        await self._disappear(running, list(self._joined))


async def _leave_all(presence: Presence, joined: Sequence[tuple[str, str]]) -> None:
    for channel, connection in joined:
        await presence.leave(channel, connection)


async def _ask(hub: Hub, name: str) -> None:
    may_subscribe = hub.namespaces.of(name).may_subscribe
    if may_subscribe is not None:
        answer = may_subscribe(name)
        if not (await answer if inspect.isawaitable(answer) else answer):
            raise ChannelDenied(f"channel {name!r} may not be subscribed to, says may_subscribe of its namespace")


def _resolve_since(hub: Hub, names: Sequence[str], given: Since | Mapping[str, Since]) -> dict[str, Position]:
    if not isinstance(given, Mapping):
        if parse_since(given) is not None and len(names) > 1:
            raise ConfigurationError("since with several channels must be a mapping from channel to position")
        given = {names[0]: given}
    found: dict[str, Position] = {}
    for name, place in given.items():
        position = parse_since(place)
        if position is None:
            continue
        if name not in names or is_pattern(name):
            raise ConfigurationError(f"since has a position for {name!r}, which is not one of its channels")
        if hub.namespaces.of(name).limits is None:
            raise ConfigurationError(f"since for {name!r}, which has no history: declare its namespace with history=…")
        found[name] = position
    return found


def _check_recent(hub: Hub, names: Sequence[str], recent: int) -> None:
    wanted = _check_count(recent)
    if wanted is not None:
        raise ConfigurationError(f"recent = {recent!r}: expected {wanted}")
    if recent and all(is_pattern(name) or hub.namespaces.of(name).limits is None for name in names):
        raise ConfigurationError(f"recent for {', '.join(names)}: declare a namespace with history=…")
