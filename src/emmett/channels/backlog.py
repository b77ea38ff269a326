"""Queue publications for a subscriber that does not keep up, within bounds, and drop what exceeds them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from .gaps import Gaps
from .latest import Item, LatestQueue
from .names import MAX_NAMES, is_of
from .namespaces import Namespace
from .publication import Kind, Publication


class Backlog:
    """The queue of one subscriber for the channels of one namespace.

    Arguments:
        namespace: provides the bounds and the policy for slow subscribers.

    Attributes:
        dropped: the number of publications dropped.
    """

    __slots__ = ("_extra_items", "_extra_size", "_gaps", "_items", "_namespace", "_size", "dropped")

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._items: deque[Item] | LatestQueue = LatestQueue() if namespace.slow == "latest" else deque()
        self._size = 0
        # A single read of the history may exceed the bounds, as the history has its own; this lasts until all is taken.
        self._extra_items = 0
        self._extra_size = 0
        # A subscriber names few channels (patterns aside), so each of these can have a gap of its own.
        self._gaps = Gaps(max(MAX_NAMES, namespace.queue_messages))
        self.dropped = 0

    def __len__(self) -> int:
        """Return the number of publications in the queue."""
        return len(self._items)

    @property
    def size(self) -> int:
        """The length of all messages that wait: characters of text and bytes of binary ones."""
        return self._size

    def add(self, items: Iterable[Item], count: int, size: int, is_extra: bool) -> bool:
        """Add publications, and drop some if the bounds are exceeded.

        Arguments:
            items: publications and their messages.
            count, size: the number of publications, and the total length of their messages.
            is_extra: whether they come from the history and do not count towards the bounds.

        Returns:
            False if the bounds are exceeded and nothing may be dropped: disconnect the subscriber.
        """
        if not self._items:
            self._extra_items = self._extra_size = 0
        self._items.extend(items)
        self._size += size
        if is_extra:
            self._extra_items += count
            self._extra_size += size
        if not self._is_full():
            return True
        if self._namespace.slow == "disconnect":
            return False
        if isinstance(self._items, LatestQueue):
            for item in self._items.pop_superseded():
                self._size -= len(item[1])
                self._drop(item)
        while self._is_full():
            self._drop(self._take_first())
        return True

    def pop(self) -> Publication | None:
        """Return the next publication, or None if there is none. A gap precedes it where publications were dropped."""
        if not self._items:
            return None
        if self._gaps:
            gaps = self._gaps.before([next(iter(self._items))[0].channel])[:1]
            if gaps:
                self._gaps.discard(gaps)
                return gaps[0]
        return self._take_first()[0]

    def portion(self, size: int) -> tuple[list[Item], list[Publication]]:
        """Return the first items up to a size, at least one, and the gaps that precede the next publications of their
        channels. They stay in the queue until `discard`.
        """
        items: list[Item] = []
        for item in self._items:
            if items and len(item[1]) > size:
                break
            items.append(item)
            size -= len(item[1])
        return items, self._gaps.before(item[0].channel for item in items) if self._gaps else []

    def discard(self, count: int, gaps: list[Publication]) -> None:
        """Remove the items and gaps of a portion."""
        for _ in range(count):
            self._take_first()
        self._gaps.discard(gaps)

    def first_of(self, channel: str) -> Publication | None:
        """Return the first queued publication of a channel that has a position."""
        waiting = (item[0] for item in self._items)
        return next((each for each in waiting if each.channel == channel and each.position is not None), None)

    def forget(self, name: str) -> None:
        """Drop the publications and gaps of a channel, or of all channels that a pattern covers."""
        kept = [item for item in self._items if not is_of(name, item[0].channel)]
        if len(kept) < len(self._items):
            self._items.clear()
            self._items.extend(kept)
            self._size = sum(len(message) for _, message in kept)
        self._gaps.forget(name)

    def clear(self) -> None:
        """Empty the queue."""
        self._items.clear()
        self._gaps.clear()
        self._size = 0

    def _is_full(self) -> bool:
        namespace = self._namespace
        return len(self._items) > 1 and (
            len(self._items) > namespace.queue_messages + self._extra_items
            or self._size > namespace.queue_bytes + self._extra_size
        )

    def _take_first(self) -> Item:
        item = self._items.popleft()
        self._size -= len(item[1])
        return item

    def _drop(self, item: Item) -> None:
        publication = item[0]
        self.dropped += 1
        if publication.kind is Kind.GAP or publication.position is not None:
            self._gaps.add(publication.channel, publication.position)
