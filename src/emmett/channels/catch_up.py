"""The way of one subscriber from the history of a channel to its live stream, without gap or doubling."""

from __future__ import annotations

from collections.abc import Sequence

from .encoding import data_only
from .namespaces import Namespace
from .publication import Kind, Position, Publication
from .receiver import Receiver

# Publications that may wait while the history is read.
MAX_WAITING = 4096


class CatchUp:
    """What comes live is kept while the history is read; then what both have is left out, until only live is left.

    Arguments:
        receiver: the subscriber.
        channel: the channel.
        namespace: that of the channel.
        start: where the stream stood when the subscriber came: all behind it is passed to `add`. Everything up to it
            must come from the history.
        last: up to where the subscriber has everything; None while the history is still to be read.

    Attributes:
        receiver, last: as above.
        is_complete: nothing was missed so far.
        read: how many publications of the history were delivered.
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
        # What comes live was too much, and was forgotten: the history has it.
        self._has_overflowed = False
        self.last = last
        self.is_complete = True
        self.read = 0

    def add(self, publications: Sequence[Publication], is_extra: bool) -> None:
        """Take what the stream brings."""
        if self.last is not None:
            self.receiver.receive(self._namespace, self._new(publications), is_extra)
            return
        self._waiting.extend(publications)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.clear()
            self._has_overflowed = True

    def is_past(self, top: Position) -> bool:
        """Tell whether a history whose newest publication is there has all that the stream had before."""
        return not self._has_overflowed and (top.epoch != self._start.epoch or top.offset >= self._start.offset)

    def again(self, start: Position) -> None:
        """Start over: the history is read once more.

        Arguments:
            start: where the stream stands now.
        """
        if self._has_overflowed:
            self._has_overflowed = False
            self._start = start

    def add_page(self, publications: Sequence[Publication], top: Position, is_complete: bool) -> None:
        """Deliver a part of the history.

        Arguments:
            publications: in their order.
            top: the newest position of the history.
            is_complete: nothing was missed before them; otherwise a gap comes first.
        """
        self.read += len(publications)
        found = list(publications)
        if not is_complete:
            first = found[0].position if found else None
            self._miss(found, top if first is None else first.previous())
        self.receiver.receive(self._namespace, found, True)

    def finish(self, top: Position, is_complete: bool = True) -> None:
        """Deliver what came live while the history was read.

        Arguments:
            top: up to where the history was delivered.
            is_complete: what came live follows it; otherwise a gap comes first.
        """
        waiting, self._waiting = self._waiting, []
        self.last = top
        found = self._new(waiting)
        if not is_complete:
            first = next((each.position for each in found if each.position is not None), None)
            self._miss(found, top if first is None else first.previous())
        self.receiver.receive(self._namespace, found, True)

    def _miss(self, found: list[Publication], position: Position) -> None:
        """Put a gap before publications, for subscribers that can express one. `recovered` says it to all."""
        self.is_complete = False
        if self.receiver.encode is not data_only:
            found.insert(0, Publication(self._channel, "", Kind.GAP, position))

    def is_level_with(self, done: Position | None) -> bool:
        """Tell whether the stream has come to where the subscriber is: from here on it may be live."""
        last = self.last
        return last is not None and done is not None and done.epoch == last.epoch and done.offset >= last.offset

    def _new(self, publications: Sequence[Publication]) -> list[Publication]:
        """Leave out what the subscriber has."""
        found: list[Publication] = []
        for publication in publications:
            position, last = publication.position, self.last
            if position is None or last is None:
                found.append(publication)
            elif position.epoch != last.epoch:
                # The stream tells of another epoch with a gap. All else of another one is from before the history.
                if publication.kind is Kind.GAP:
                    self.last = position
                    found.append(publication)
            elif position.offset > last.offset:
                self.last = position
                found.append(publication)
        return found
