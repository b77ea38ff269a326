"""Who receives publications: what feeds and sockets have in common, and how a parcel reaches many of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from .backlog import Backlog
from .encoding import Encode
from .namespaces import Namespace
from .parcel import Parcel
from .publication import Position, Publication
from .stats import Counters

logger = logging.getLogger("emmett.channels")


class Membership(Protocol):
    """What a receiver knows of a channel that it is in."""

    @property
    def name(self) -> str:
        """The name of the channel, or the pattern."""

    def position_of(self, receiver: Receiver) -> Position | None:
        """Return up to where everything was given to a receiver; None without history."""

    def leave(self, receiver: Receiver) -> None:
        """Remove a receiver."""


class Receiver:
    """One subscriber as the hub sees it.

    Arguments:
        encode: what it gets of a publication; None for the publication itself.
        counters: where to count.
        leave: called when it ends before its subscription does: it is to be taken out of all channels.

    Attributes:
        take: takes a parcel, or the batch of one if it has an `encode`; returns whether it did. Raises when it never
            will again. It is an attribute, not a method, so that who is in trouble can have another one, and those who
            are not pay nothing for it.
        topics: the channels and patterns that it is in.
        is_over: it takes nothing any more.
    """

    __slots__ = ("_backlogs", "_counters", "_last_positions", "_leave", "encode", "is_over", "take", "topics")

    take: Callable[[Any], bool]

    def __init__(self, encode: Encode | None, counters: Counters, leave: Callable[[Receiver], None]) -> None:
        self.encode = encode
        self.topics: list[Membership] = []
        self.is_over = False
        self._counters = counters
        self._leave = leave
        self._backlogs: dict[Namespace, Backlog] = {}
        self._last_positions: dict[str, Position] = {}

    @property
    def dropped(self) -> int:
        """How many publications it missed because it was too slow."""
        return sum(backlog.dropped for backlog in self._backlogs.values())

    @property
    def positions(self) -> dict[str, Position]:
        """By channel up to where it has got everything."""
        found = {topic.name: self.position_in(topic) for topic in self.topics}
        return {**self._last_positions, **{name: place for name, place in found.items() if place is not None}}

    def position_in(self, topic: Membership) -> Position | None:
        """Return up to where it has got everything of a channel; None without history."""
        raise NotImplementedError

    def note_position(self, channel: str, position: Position) -> None:
        """Note where it begins in a channel."""
        self._last_positions[channel] = position

    async def has_room(self) -> None:
        """Wait until more of a history may be handed to it: it is not to be read faster than it leaves."""

    def hold(self, parcel: Parcel) -> None:
        """Keep a parcel that was not taken."""
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        """Handle an error that taking has raised."""
        raise NotImplementedError

    def cut(self) -> None:
        """Handle a gap that cannot be reported."""
        raise NotImplementedError

    def finish(self) -> None:
        """Stop with the channels: nothing more comes."""
        raise NotImplementedError

    def left(self) -> None:
        """Let go of everything: it is in no channel any more."""
        self._last_positions = self.positions
        self.topics = []
        self.is_over = True
        self.take = take_nothing

    def receive(self, namespace: Namespace, publications: Sequence[Publication], is_extra: bool) -> None:
        """Give publications to this receiver alone."""
        if publications and not self.is_over:
            deliver(Parcel(namespace, publications, self.encode, is_extra), (self,), self._counters)

    def _add(self, parcel: Parcel) -> bool:
        """Queue a parcel; returns whether there was room."""
        backlog = self._backlogs.get(parcel.namespace)
        if backlog is None:
            backlog = self._backlogs[parcel.namespace] = Backlog(parcel.namespace)
        before = backlog.dropped
        fits = backlog.add(parcel.items, len(parcel.items), parcel.size, parcel.is_extra)
        self._counters.dropped += backlog.dropped - before
        return fits

    def _forget_backlogs(self) -> None:
        for backlog in self._backlogs.values():
            backlog.clear()


def take_nothing(_: object) -> bool:
    """Be the `take` of a receiver that has ended."""
    return True


def deliver(parcel: Parcel, receivers: Collection[Receiver], counters: Counters) -> None:
    """Give a parcel to receivers whose `encode` it was made with.

    This is what a delivery costs (benchmarks/): a few bytecodes for each receiver, beside its own `take`.
    """
    if parcel.items:
        content = parcel if parcel.is_for_feeds else parcel.batch
        for receiver in receivers:
            try:
                if receiver.take(content):
                    continue
            except Exception as error:
                receiver.fail(error)
            else:
                receiver.hold(parcel)
        counters.delivered += len(parcel.items) * len(receivers)
    if parcel.is_cut:
        for receiver in receivers:
            receiver.cut()
