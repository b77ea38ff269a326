"""Gathers what is published to a channel in one turn of the event loop, and hands it to all subscribers as one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from .catch_up import CatchUp
from .encoding import Encode
from .namespaces import Namespace
from .parcel import Parcel
from .publication import Kind, Position, Publication
from .receiver import Receiver, deliver
from .stats import Counters

# Subscribers that are served in one turn of the loop: ten thousand at a stretch would stall it for too long.
STRETCH = 500
# What may be gathered while subscribers are served. Beyond it is a gap.
MAX_PENDING = 16_384
MAX_PENDING_SIZE = 64 * 1024 * 1024


class ChannelStream:
    """The subscribers of a channel, or of a pattern, and what is on its way to them.

    What is added leaves in the next turn of the loop, all of it in one parcel for those who encode alike. While a
    parcel is on its way, which takes several turns where there are many subscribers, the next one is gathered: so order
    is kept, and the more there is to do, the less each publication costs.

    Arguments:
        name: the channel or the pattern.
        namespace: its namespace.
        counters: where to count.

    Attributes:
        groups: the live subscribers, by what they encode with.
        careful: those who still have to leave out what they have from the history.
        done: the position of the last publication that was given to all; None without history.
    """

    __slots__ = (
        "_counters",
        "_excepted",
        "_is_extra",
        "_name",
        "_namespace",
        "_pending",
        "_pending_size",
        "_under_way",
        "careful",
        "done",
        "groups",
        "is_busy",
    )

    def __init__(self, name: str, namespace: Namespace, counters: Counters) -> None:
        self._name = name
        self._namespace = namespace
        self._counters = counters
        self.groups: dict[Encode | None, dict[Receiver, None]] = {}
        self.careful: dict[Receiver, CatchUp] = {}
        self.done: Position | None = None
        # Something is gathered, or on its way.
        self.is_busy = False
        self._pending: list[Publication] = []
        self._pending_size = 0
        # Some of it is from the history.
        self._is_extra = False
        self._under_way: Iterator[None] = iter(())
        # Of a pattern, by channel: those who get that one by its name.
        self._excepted: dict[str, set[Receiver]] = {}

    def __len__(self) -> int:
        """Return how many subscribers there are."""
        return sum(map(len, self.groups.values())) + len(self.careful)

    def join(self, receiver: Receiver) -> None:
        """Add a live subscriber."""
        self.groups.setdefault(receiver.encode, {})[receiver] = None

    def join_carefully(self, receiver: Receiver, catch_up: CatchUp) -> None:
        """Add a subscriber that is to be caught up with before it is live."""
        self.careful[receiver] = catch_up

    def leave(self, receiver: Receiver) -> None:
        """Remove a subscriber; one that is not there is ignored."""
        self.careful.pop(receiver, None)
        group = self.groups.get(receiver.encode)
        if group is not None:
            group.pop(receiver, None)
            if not group:
                del self.groups[receiver.encode]
        for channel in [name for name, receivers in self._excepted.items() if receiver in receivers]:
            self._excepted[channel].discard(receiver)
            if not self._excepted[channel]:
                del self._excepted[channel]

    def make_exception(self, channel: str, receiver: Receiver) -> None:
        """Do not give a subscriber what comes from a channel, which it gets elsewhere."""
        self._excepted.setdefault(channel, set()).add(receiver)

    def receivers(self) -> list[Receiver]:
        """Return all subscribers."""
        return [*(receiver for group in self.groups.values() for receiver in group), *self.careful]

    def add(self, publication: Publication, is_extra: bool = False) -> None:
        """Publish to all subscribers.

        Arguments:
            is_extra: it is from the history, and does not count for the bounds of queues.
        """
        self._pending.append(publication)
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
        """Let those be live whom the stream is level with."""
        for receiver in [each for each, catch_up in self.careful.items() if catch_up.is_level_with(self.done)]:
            del self.careful[receiver]
            self.join(receiver)

    def stop(self) -> None:
        """Forget everything."""
        self.groups.clear()
        self.careful.clear()
        self._excepted.clear()
        self._pending.clear()
        self._under_way = iter(())

    def _overflow(self) -> None:
        """Drop what was gathered, which came faster than the subscribers can be served, and report the loss to them."""
        placed = [each.position for each in self._pending if each.position is not None]
        self._counters.dropped += len(self._pending)
        self._counters.gaps += 1
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
        if self.careful:
            self.settle()
        if self._pending:
            loop.call_soon(self._begin)
        else:
            self.is_busy = False

    def _hand_out(self, publications: Sequence[Publication], is_extra: bool) -> Iterator[None]:
        """Serve everybody who is there now; pause after each stretch."""
        # All lists are made before the first pause: who comes meanwhile begins with the next parcel.
        groups = [(encode, list(receivers)) for encode, receivers in self.groups.items()]
        careful = list(self.careful.values())
        if self._excepted:
            self._hand_out_exceptions(publications, groups, is_extra)
        served = 0
        for encode, receivers in groups:
            parcel = Parcel(self._namespace, publications, encode, is_extra)
            for start in range(0, len(receivers), STRETCH):
                if served + len(receivers) > STRETCH and served:
                    yield
                    served = 0
                stretch = receivers[start : start + STRETCH]
                deliver(parcel, stretch, self._counters)
                served += len(stretch)
        for number, catch_up in enumerate(careful, 1):
            catch_up.add(publications, is_extra)
            if not number % (STRETCH // 10):
                yield
        for publication in reversed(publications):
            if publication.position is not None:
                self.done = publication.position
                break

    def _hand_out_exceptions(
        self,
        publications: Sequence[Publication],
        groups: list[tuple[Encode | None, list[Receiver]]],
        is_extra: bool,
    ) -> None:
        """Serve those who get some of the channels elsewhere, and take them out of the groups."""
        special = {receiver for each in publications for receiver in self._excepted.get(each.channel, ())}
        for number, (encode, receivers) in enumerate(groups):
            groups[number] = (encode, [receiver for receiver in receivers if receiver not in special])
        for receiver in special:
            theirs = [each for each in publications if receiver not in self._excepted.get(each.channel, ())]
            receiver.receive(self._namespace, theirs, is_extra)
