"""Gather the publications of a channel in one turn of the event loop, and deliver them to all subscribers together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from .catch_up import CatchUp
from .encoding import Encode
from .identities import Identities
from .namespaces import Namespace
from .parcel import Parcel
from .publication import Kind, Position, Publication
from .receiver import Receiver, deliver
from .stats import Counters

# Subscribers to serve in one turn of the loop: ten thousand without a pause would stall it.
STRETCH = 500
# Publications that may be gathered while subscribers are served. Any more become a gap.
MAX_PENDING = 16_384
MAX_PENDING_SIZE = 64 * 1024 * 1024


class ChannelStream:
    """The subscribers of a channel or a pattern, and the publications on their way to them.

    Added publications leave in the next turn of the loop, all in one parcel per encoder. With many subscribers, a
    parcel takes several turns; the next one is gathered meanwhile. This keeps the order, and makes each publication
    cheaper as the load grows.

    Arguments:
        name: the channel or the pattern.
        namespace: its namespace.
        counters: the counters to update.
        identities: finds the subscribers that publications exclude; None if none does.

    Attributes:
        groups: the live subscribers, by encoder.
        catching_up: subscribers that are not live yet, and skip what they got from the history.
        done: the position of the last publication delivered to all; None without history.
    """

    __slots__ = (
        "_counters",
        "_departed",
        "_excepted",
        "_has_exclusions",
        "_identities",
        "_is_extra",
        "_name",
        "_namespace",
        "_pending",
        "_pending_size",
        "_under_way",
        "catching_up",
        "done",
        "groups",
        "is_busy",
    )

    def __init__(
        self, name: str, namespace: Namespace, counters: Counters, identities: Identities | None = None
    ) -> None:
        self._name = name
        self._namespace = namespace
        self._counters = counters
        self._identities = identities
        self.groups: dict[Encode | None, dict[Receiver, None]] = {}
        self.catching_up: dict[Receiver, CatchUp] = {}
        self.done: Position | None = None
        # Publications are gathered or under way.
        self.is_busy = False
        self._pending: list[Publication] = []
        self._pending_size = 0
        # Some of the gathered publications come from the history.
        self._is_extra = False
        self._under_way: Iterator[None] = iter(())
        # Of a pattern, by channel: the receivers that also get that channel by its name.
        self._excepted: dict[str, set[Receiver]] = {}
        # Some of the gathered publications exclude a subscriber.
        self._has_exclusions = False
        # Subscribers that left this channel alone while publications are under way to them.
        self._departed: set[Receiver] = set()

    def __len__(self) -> int:
        """Return the number of subscribers."""
        return sum(map(len, self.groups.values())) + len(self.catching_up)

    def join(self, receiver: Receiver) -> None:
        """Add a live subscriber."""
        self.groups.setdefault(receiver.encode, {})[receiver] = None

    def join_catching_up(self, receiver: Receiver, catch_up: CatchUp) -> None:
        """Add a subscriber that must catch up before it goes live."""
        self.catching_up[receiver] = catch_up

    def leave(self, receiver: Receiver) -> None:
        """Remove a subscriber; ignore one that is not there."""
        if self.is_busy and not receiver.is_over:
            self._departed.add(receiver)
        self.catching_up.pop(receiver, None)
        _ = self._ungroup(receiver)
        for channel in [name for name, receivers in self._excepted.items() if receiver in receivers]:
            self._excepted[channel].discard(receiver)
            if not self._excepted[channel]:
                del self._excepted[channel]

    def regroup(self, receiver: Receiver, encode: Encode) -> bool:
        """Give a subscriber another `encode` from the next publications on; return whether no live one has it yet."""
        is_live, is_first = self._ungroup(receiver), encode not in self.groups
        receiver.encode = encode
        if is_live:
            self.join(receiver)
        return is_first

    def _ungroup(self, receiver: Receiver) -> bool:
        """Take a subscriber out of its group; return whether it was in one."""
        group = self.groups.get(receiver.encode)
        if group is None or receiver not in group:
            return False
        del group[receiver]
        if not group:
            del self.groups[receiver.encode]
        return True

    def make_exception(self, channel: str, receiver: Receiver) -> None:
        """Exclude a channel from what a subscriber gets here, because it gets that channel by name."""
        self._excepted.setdefault(channel, set()).add(receiver)

    def receivers(self) -> list[Receiver]:
        """Return all subscribers."""
        return [*(receiver for group in self.groups.values() for receiver in group), *self.catching_up]

    def add(self, publication: Publication, is_extra: bool = False) -> None:
        """Publish to all subscribers.

        Arguments:
            is_extra: whether it comes from the history and does not count towards the bounds of queues.
        """
        self._pending.append(publication)
        if publication.details is not None and publication.details.exclude:
            self._has_exclusions = True
        if is_extra:
            self._is_extra = True
        else:
            self._pending_size += len(publication.data)
            if self._pending_size > MAX_PENDING_SIZE or (len(self._pending) > MAX_PENDING and not self._is_extra):
                self._overflow()
        if not self.is_busy:
            self.is_busy = True
            asyncio.get_running_loop().call_soon(self._begin)

    def settle(self) -> None:
        """Promote subscribers that have caught up to live."""
        for receiver in [each for each, catch_up in self.catching_up.items() if catch_up.is_level_with(self.done)]:
            del self.catching_up[receiver]
            self.join(receiver)

    def stop(self) -> None:
        """Forget everything."""
        self.groups.clear()
        self.catching_up.clear()
        self._excepted.clear()
        self._departed.clear()
        self._pending.clear()
        self._under_way = iter(())

    def _overflow(self) -> None:
        """Replace gathered publications, which arrive faster than they can be delivered, by a gap."""
        placed = [each.position for each in self._pending if each.position is not None]
        self._counters.dropped += len(self._pending)
        self._counters.miss(self._name)
        self._pending = [Publication(self._name, "", Kind.GAP, placed[-1] if placed else None)]
        self._pending_size = 0

    def _begin(self) -> None:
        publications, self._pending = self._pending, []
        is_extra, self._is_extra = self._is_extra, False
        self._pending_size = 0
        self._under_way = self._hand_out(publications, is_extra)
        self._go_on()

    def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in self._under_way:
            loop.call_soon(self._go_on)
            return
        if self.catching_up:
            self.settle()
        self._departed.clear()
        if self._pending:
            loop.call_soon(self._begin)
        else:
            self.is_busy = False

    def _hand_out(self, publications: Sequence[Publication], is_extra: bool) -> Iterator[None]:
        """Serve all current subscribers; pause after each stretch."""
        # All lists are made before the first pause: a subscriber that joins later begins with the next parcel.
        groups = [(encode, list(receivers)) for encode, receivers in self.groups.items()]
        catching_up = list(self.catching_up.values())
        self._departed.clear()
        special: dict[Receiver, list[Publication]] = {}
        if self._excepted or self._has_exclusions:
            special = self._exceptions(publications)
            groups = [(encode, [each for each in receivers if each not in special]) for encode, receivers in groups]
        served = 0
        for encode, receivers in groups:
            if not receivers:
                continue
            parcel = Parcel(self._namespace, publications, encode, is_extra)
            for start in range(0, len(receivers), STRETCH):
                if served + len(receivers) > STRETCH and served:
                    yield
                    served = 0
                stretch = receivers[start : start + STRETCH]
                if self._departed:
                    stretch = [receiver for receiver in stretch if receiver not in self._departed]
                deliver(parcel, stretch, self._counters)
                served += len(stretch)
        for receiver, theirs in special.items():
            if receiver not in self._departed:
                receiver.receive(self._namespace, theirs, is_extra)
        for number, catch_up in enumerate(catching_up, 1):
            if catch_up.receiver not in self._departed:
                catch_up.add(publications, is_extra)
            if not number % (STRETCH // 10):
                yield
        for publication in reversed(publications):
            if publication.position is not None:
                self.done = publication.position
                break

    def _exceptions(self, publications: Sequence[Publication]) -> dict[Receiver, list[Publication]]:
        """Return those that get only some of the publications, and which: subscribers that get some of the channels by
        name, and subscribers that publications exclude.
        """
        special = {receiver for each in publications for receiver in self._excepted.get(each.channel, ())}
        if self._has_exclusions:
            self._has_exclusions = False
            special |= self._excluded(publications)
        return {
            receiver: [each for each in publications if receiver not in self._excepted.get(each.channel, ())]
            for receiver in special
        }

    def _excluded(self, publications: Iterable[Publication]) -> set[Receiver]:
        """Return the live subscribers that publications exclude."""
        ids = {each.details.exclude for each in publications if each.details is not None and each.details.exclude}
        found = [] if self._identities is None else [self._identities.find(id, self._name) for id in ids]
        return {each for each in found if each is not None and each in self.groups.get(each.encode, ())}
