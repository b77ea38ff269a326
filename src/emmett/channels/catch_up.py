"""Move one subscriber from the history of a channel to its live stream, without gaps or duplicates."""

from __future__ import annotations

from collections.abc import Sequence

from .encoding import ends_at_gap
from .namespaces import Namespace
from .publication import Kind, Position, Publication
from .receiver import Receiver

# Live publications to hold while the history is read.
MAX_WAITING = 4096


class CatchUp:
    """Holds live publications while the history is read, then removes duplicates until the subscriber is live.

    Arguments:
        receiver: the subscriber.
        channel: the channel.
        namespace: the namespace of the channel.
        start: the position of the stream when the subscriber joined. Everything up to it must come from the history;
            everything after it is passed to `add`.
        last: the position up to which the subscriber has everything; None while the history is yet to be read.

    Attributes:
        receiver, last: as above.
        is_complete: whether nothing has been missed so far.
        read: the number of publications delivered from the history.
    """

    __slots__ = (
        "_channel",
        "_has_overflowed",
        "_namespace",
        "_start",
        "_waiting",
        "is_complete",
        "last",
        "read",
        "receiver",
    )

    def __init__(
        self, receiver: Receiver, channel: str, namespace: Namespace, start: Position, last: Position | None
    ) -> None:
        self.receiver = receiver
        self._channel = channel
        self._namespace = namespace
        self._start = start
        self._waiting: list[Publication] = []
        # Too many live publications arrived and were discarded: the history has them.
        self._has_overflowed = False
        self.last = last
        self.is_complete = True
        self.read = 0

    def add(self, publications: Sequence[Publication], is_extra: bool) -> None:
        """Accept publications from the stream."""
        if self.last is not None:
            self.receiver.receive(self._namespace, self._new(publications), is_extra)
            return
        self._waiting.extend(publications)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.clear()
            self._has_overflowed = True

    def is_past(self, top: Position) -> bool:
        """Return whether a history that ends at `top` covers everything before the live publications held here."""
        return not self._has_overflowed and (top.epoch != self._start.epoch or top.offset >= self._start.offset)

    def again(self, start: Position) -> None:
        """Start over, because the history is read once more.

        Arguments:
            start: the current position of the stream.
        """
        if self._has_overflowed:
            self._has_overflowed = False
            self._start = start

    def add_page(self, publications: Sequence[Publication], top: Position, is_complete: bool) -> None:
        """Deliver a page of the history.

        Arguments:
            publications: the publications, in order.
            top: the newest position of the history.
            is_complete: whether nothing was missed before them; otherwise a gap comes first.
        """
        self.read += len(publications)
        found = list(publications)
        if not is_complete:
            first = found[0].position if found else None
            self._miss(found, top if first is None else first.previous())
        self.receiver.receive(self._namespace, found, True)

    def finish(self, top: Position, is_complete: bool = True) -> None:
        """Deliver the live publications held while the history was read.

        Arguments:
            top: the position up to which the history was delivered.
            is_complete: whether the live publications follow it directly; otherwise a gap comes first.
        """
        waiting, self._waiting = self._waiting, []
        self.last = top
        found = self._new(waiting)
        if not is_complete:
            first = next((each.position for each in found if each.position is not None), None)
            self._miss(found, top if first is None else first.previous())
        self.receiver.receive(self._namespace, found, True)

    def _miss(self, found: list[Publication], position: Position) -> None:
        """Put a gap before publications, if the encoding can express one. `recovered` reports it in any case."""
        self.is_complete = False
        if self.receiver.encode is None or not ends_at_gap(self.receiver.encode):
            found.insert(0, Publication(self._channel, "", Kind.GAP, position))

    def is_level_with(self, done: Position | None) -> bool:
        """Return whether the stream has reached the position of the subscriber, which may then go live."""
        last = self.last
        return last is not None and done is not None and done.epoch == last.epoch and done.offset >= last.offset

    def _new(self, publications: Sequence[Publication]) -> list[Publication]:
        """Return the publications that the subscriber does not have yet."""
        found: list[Publication] = []
        for publication in publications:
            position, last = publication.position, self.last
            if position is None or last is None:
                found.append(publication)
            elif position.epoch != last.epoch:
                # A gap announces another epoch. Any other publication of another epoch predates the history.
                if publication.kind is Kind.GAP:
                    self.last = position
                    found.append(publication)
            elif position.offset > last.offset:
                self.last = position
                found.append(publication)
        return found
