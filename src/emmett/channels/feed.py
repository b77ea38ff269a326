"""The receiver that an application reads from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..errors import SlowSubscriber, UsageError
from ..rare_log import RareLog
from .parcel import Parcel
from .publication import Position, Publication
from .receiver import Membership, Receiver
from .stats import Counters


class Feed(Receiver):
    """Holds publications in a bounded queue; the application takes them one by one.

    Arguments:
        counters: the counters to update.
        leave: called when the feed ends because its reader is too slow.
        log: the log for that event.
    """

    __slots__ = ("_is_finished", "_log", "_places", "_slow", "_waiter")

    def __init__(self, counters: Counters, leave: Callable[[Receiver], None], log: RareLog) -> None:
        super().__init__(None, counters, leave)
        self.take = self._take
        self._log = log
        # The reason, if it ended because its reader was too slow.
        self._slow: str | None = None
        self._is_finished = False
        self._waiter: asyncio.Future[None] | None = None
        # The position of the last publication read, by channel.
        self._places: dict[str, Position] = {}

    async def next(self) -> Publication:
        """Wait for the next publication, and return it.

        Raises:
            StopAsyncIteration: there are no more publications.
            SlowSubscriber: the queue overflowed, and the namespace does not allow publications to be dropped.
            UsageError: another task is already reading.
        """
        while True:
            for backlog in self._backlogs.values():
                publication = backlog.pop()
                if publication is not None:
                    position = publication.position
                    if position is not None and publication.channel in self._places:
                        self._places[publication.channel] = position
                    return publication
            if self._slow is not None:
                raise SlowSubscriber(self._slow)
            if self._is_finished:
                raise StopAsyncIteration
            await self._arrival()

    def position_in(self, topic: Membership) -> Position | None:
        """Return the position of the last publication read from a channel."""
        return self._places.get(topic.name)

    def note_position(self, channel: str, position: Position) -> None:
        self._places[channel] = position

    def forget(self, topic: Membership) -> None:
        super().forget(topic)
        self._places.pop(topic.name, None)

    def hold(self, parcel: Parcel) -> None:
        raise AssertionError("a feed takes every parcel")

    def fail(self, error: Exception) -> None:
        raise error

    def cut(self) -> None:
        raise AssertionError("a feed can express a gap")

    def finish(self) -> None:
        self._is_finished = True
        self._wake()

    def left(self) -> None:
        super().left()
        self._counters.waiting.discard(self)
        self.finish()

    def _take(self, parcel: Parcel) -> bool:
        if not self._add(parcel):
            namespace = parcel.namespace
            self._slow = (
                f"more than {namespace.queue_messages} publications or {namespace.queue_bytes} bytes are waiting in "
                f"namespace {namespace.name!r}, for which slow is 'disconnect'"
            )
            self._counters.disconnect(parcel.items[0][0].channel, self._slow)
            self._log.warn("a feed of namespace %r is ended: its reader did not keep up", namespace.name)
            self._forget_backlogs()
            self._leave(self)
        else:
            self._counters.waiting.add(self)
        self._wake()
        return True

    async def _arrival(self) -> None:
        if self._waiter is not None:
            raise UsageError("another task is already reading this feed; only one task at a time may read it")
        self._counters.waiting.discard(self)
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
