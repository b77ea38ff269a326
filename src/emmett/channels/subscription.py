"""The result of `channels.subscribe(...)`: a context manager that yields the feed of publications."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from ..errors import ChannelDenied, ConfigurationError, UsageError
from .encoding import Encode, data_only, encode_info
from .feed import Feed
from .hub import Hub
from .names import check_names, is_pattern
from .outlet import Outlet
from .presence import Presence
from .publication import Position, Publication
from .receiver import Receiver
from .since import Since, parse_since
from .sink import Sink

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
        since, deliver, encode, member, info: as for `Channels.subscribe`.

    Attributes:
        recovered: whether everything missed since the position was recovered; None without a position.
    """

    __slots__ = (
        "_encode",
        "_front",
        "_info",
        "_joined",
        "_member",
        "_names",
        "_receiver",
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
        self._running: Running | None = None
        self._receiver: Receiver | None = None
        # The channels that the member joined, and the connection in each.
        self._joined: list[tuple[str, str]] = []
        if encode is not None and deliver is None:
            raise ConfigurationError("subscribe(encode=…) requires deliver=websocket, which gets the encoded messages")
        if info is not None and member is None:
            raise ConfigurationError("subscribe(info=…) requires member=…, which the info belongs to")

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
        since = self._resolve_since(hub, names)
        member, info = self._check_member(hub, names)
        for name in names:
            await _ask(hub, name)
        receiver = self._receiver = self._make_receiver(hub)
        if self._sink is not None:
            await self._sink.accept()
        self.recovered = await hub.enter(receiver, names, since)
        self._running = running
        try:
            for name in names:
                if member is not None and not is_pattern(name) and hub.namespaces.of(name).presence:
                    self._joined.append((name, await running.presence.join(name, member, info)))
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave all channels."""
        await self._leave()

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

    def _make_receiver(self, hub: Hub) -> Receiver:
        if self._sink is None:
            return Feed(hub.counters, hub.leave, hub.log)
        encode = self._encode or data_only
        return Outlet(self._sink, encode, hub.counters, hub.leave, hub.closer, hub.log)

    def _resolve_since(self, hub: Hub, names: Sequence[str]) -> dict[str, Position]:
        given = self._since
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
                raise ConfigurationError(
                    f"since for {name!r}, which has no history: declare its namespace with history=…"
                )
            found[name] = position
        return found

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
        joined, self._joined = self._joined, []
        if joined and not running.hub.is_stopped:
            # Leave even when cancelled.
            await asyncio.shield(running.hub.tasks.start(_leave_all(running.presence, joined)))


async def _leave_all(presence: Presence, joined: Sequence[tuple[str, str]]) -> None:
    for channel, connection in joined:
        await presence.leave(channel, connection)


async def _ask(hub: Hub, name: str) -> None:
    may_subscribe = hub.namespaces.of(name).may_subscribe
    if may_subscribe is not None:
        answer = may_subscribe(name)
        if not (await answer if inspect.isawaitable(answer) else answer):
            raise ChannelDenied(f"channel {name!r} may not be subscribed to, says may_subscribe of its namespace")
