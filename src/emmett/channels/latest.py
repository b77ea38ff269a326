"""A queue that drops, in constant time, any publication superseded by a newer one of the same channel."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterable, Iterator

from .publication import Publication
from .sink import Message

# A publication, and the message that its subscriber gets.
Item = tuple[Publication, Message]


class LatestQueue:
    """The queue of a subscriber whose namespace has `slow="latest"`.

    It has the methods of `deque` that `Backlog` uses. Each takes constant time per item, however long the queue: a
    publication to a thousand live channels must not scan the queues of all slow subscribers.
    """

    __slots__ = ("_items", "_newest", "_numbers", "_superseded")

    def __init__(self) -> None:
        # By number, in order. An OrderedDict finds its first item in constant time, even after many removals.
        self._items: OrderedDict[int, Item] = OrderedDict()
        self._numbers = itertools.count()
        # The number of the newest item, by channel.
        self._newest: dict[str, int] = {}
        # The numbers of all other items.
        self._superseded: dict[int, None] = {}

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        """Iterate over the items, oldest first."""
        return iter(self._items.values())

    def extend(self, items: Iterable[Item]) -> None:
        """Add items at the end."""
        for item in items:
            number = next(self._numbers)
            channel = item[0].channel
            before = self._newest.get(channel)
            if before is not None:
                self._superseded[before] = None
            self._newest[channel] = number
            self._items[number] = item

    def popleft(self) -> Item:
        """Remove and return the oldest item.

        Raises:
            KeyError: the queue is empty.
        """
        number, item = self._items.popitem(last=False)
        self._superseded.pop(number, None)
        channel = item[0].channel
        if self._newest[channel] == number:
            del self._newest[channel]
        return item

    def pop_superseded(self) -> list[Item]:
        """Remove and return all items except the newest of each channel."""
        removed = [self._items.pop(number) for number in self._superseded]
        self._superseded.clear()
        return removed

    def clear(self) -> None:
        """Remove everything."""
        self._items.clear()
        self._newest.clear()
        self._superseded.clear()
