"""Receivers of publications: the common part of feeds and sockets, and the delivery of a parcel to many of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from ..engine import hand_out
from .backlog import Backlog
from .encoding import Encode
from .namespaces import Namespace
from .parcel import Parcel
from .publication import Position, Publication
from .stats import Counters

logger = logging.getLogger("emmett.channels")


class Membership(Protocol):
    """A channel that a receiver is in, as the receiver sees it."""

    @property
    def name(self) -> str:
        """The name of the channel, or the pattern."""

    def position_of(self, receiver: Receiver) -> Position | None:
        """Return the position up to which a receiver has everything; None without history."""

    def leave(self, receiver: Receiver) -> None:
        """Remove a receiver."""

    def regroup(self, receiver: Receiver, encode: Encode) -> bool:
        """Give a receiver another `encode` from the next publications on; return whether no live one has it yet."""


class Receiver:
    """One subscriber as the hub sees it.

    Arguments:
        encode: returns the message for a publication; None to get the publication itself.
        counters: the counters to update.
        leave: called when the receiver ends before its subscription does, to remove it from all channels.

    Attributes:
        take: takes a parcel, or its batch if the receiver has an `encode`; returns whether it did. Raises if the
            receiver never takes anything again. It is an attribute, not a method: a receiver in trouble replaces it,
            and the others pay nothing for that.
        topics: the channels and patterns that the receiver is in.
        id: the id by which publishers exclude it; None until somebody asks for it.
        is_over: whether the receiver has ended.
    """

    __slots__ = ("_backlogs", "_counters", "_last_positions", "_leave", "encode", "id", "is_over", "take", "topics")

    take: Callable[[Any], bool]

    def __init__(self, encode: Encode | None, counters: Counters, leave: Callable[[Receiver], None]) -> None:
        self.encode = encode
        self.topics: list[Membership] = []
        self.id: str | None = None
        self.is_over = False
        self._counters = counters
        self._leave = leave
        self._backlogs: dict[Namespace, Backlog] = {}
        self._last_positions: dict[str, Position] = {}

    @property
    def dropped(self) -> int:
        """The number of publications that this receiver missed because it was too slow."""
        return sum(backlog.dropped for backlog in self._backlogs.values())

    @property
    def backlog_count(self) -> int:
        """The number of publications that wait for it."""
        return sum(map(len, self._backlogs.values()))

    @property
    def positions(self) -> dict[str, Position]:
        """The position up to which this receiver has everything, by channel."""
        found = {topic.name: self.position_in(topic) for topic in self.topics}
        return {**self._last_positions, **{name: place for name, place in found.items() if place is not None}}

    def position_in(self, topic: Membership) -> Position | None:
        """Return the position up to which it has everything of a channel; None without history."""
        raise NotImplementedError

    def note_position(self, channel: str, position: Position) -> None:
        """Record the position at which it begins in a channel."""
        self._last_positions[channel] = position

    async def has_room(self) -> None:
        """Wait until it has room for more of a history, which must not be read faster than it is delivered."""

    def hold(self, parcel: Parcel) -> None:
        """Keep a parcel that was not taken."""
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        """Handle an error raised by `take`."""
        raise NotImplementedError

    def cut(self) -> None:
        """Handle a gap that cannot be reported."""
        raise NotImplementedError

    def finish(self) -> None:
        """Stop, because the channels stop: nothing more comes."""
        raise NotImplementedError

    def left(self) -> None:
        """Release all resources, because it is in no channel any more."""
        self._last_positions = self.positions
        self.topics = []
        self.is_over = True
        self.take = take_nothing

    def pass_over(self) -> None:
        """React to a publication that excludes this receiver, before those around it are delivered."""

    def forget(self, topic: Membership) -> None:
        """Drop what waits of a channel or a pattern that it has left, and its position."""
        for backlog in self._backlogs.values():
            backlog.forget(topic.name)
        self._last_positions.pop(topic.name, None)

    def receive(self, namespace: Namespace, publications: Sequence[Publication], is_extra: bool) -> None:
        """Deliver publications to this receiver alone, without those that exclude it."""
        if self.id is not None:
            wanted = [each for each in publications if not each.excludes(self.id)]
            if len(wanted) < len(publications):
                self.pass_over()
            publications = wanted
        if publications and not self.is_over:
            deliver(Parcel(namespace, publications, self.encode, is_extra), (self,), self._counters)

    def _add(self, parcel: Parcel) -> bool:
        """Queue a parcel; return whether there was room."""
        backlog = self._backlogs.get(parcel.namespace)
        if backlog is None:
            backlog = self._backlogs[parcel.namespace] = Backlog(parcel.namespace)
        before = backlog.dropped
        fits = backlog.add(parcel.items, len(parcel.items), parcel.size, parcel.is_extra)
        self._counters.dropped += backlog.dropped - before
        return fits

    def backlog_size(self) -> int:
        """Return the length of all messages that wait for it."""
        return sum(backlog.size for backlog in self._backlogs.values())

    def _forget_backlogs(self) -> None:
        for backlog in self._backlogs.values():
            backlog.clear()


def take_nothing(_: object) -> bool:
    """Serve as the `take` of a receiver that has ended."""
    return True


def deliver(parcel: Parcel, receivers: Collection[Receiver], counters: Counters) -> None:
    """Deliver a parcel to receivers that share its `encode`."""
    if parcel.items:
        hand_out(parcel if parcel.is_for_feeds else parcel.batch, receivers, parcel)
        counters.delivered += len(parcel.items) * len(receivers)
    if parcel.is_cut:
        for receiver in receivers:
            receiver.cut()
