"""The receiver that passes publications to a sink, such as a websocket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..errors import WebsocketClosed
from ..rare_log import RareLog
from .backlog import Backlog
from .closing import Closer
from .encoding import Encode
from .latest import Item
from .parcel import Parcel, encode_all
from .publication import Position
from .receiver import Membership, Receiver
from .sink import Batch, Sink
from .stats import Counters

# The size of what a sink that lagged gets at once, so that it takes little more than it has room for.
PORTION = 65_536
# Registered with IANA under RFC 6455 as "try again later": clients come back and ask for what they missed.
TRY_AGAIN_LATER = 1013
INTERNAL_ERROR = 1011

logger = logging.getLogger("emmett.channels")


class Outlet(Receiver):
    """Passes batches to a sink, and holds them in a bounded queue while the sink takes none.

    Arguments:
        sink: the sink.
        encode: returns the message to send for a publication.
        counters: the counters to update.
        leave: called when the outlet ends before its subscription does.
        closer: closes sinks.
        log: the log for slow sinks.
    """

    __slots__ = ("_closer", "_is_waiting", "_log", "_room", "_sink")

    def __init__(
        self,
        sink: Sink,
        encode: Encode,
        counters: Counters,
        leave: Callable[[Receiver], None],
        closer: Closer,
        log: RareLog,
    ) -> None:
        super().__init__(encode, counters, leave)
        self.take = sink.deliver
        self._sink = sink
        self._closer = closer
        self._log = log
        # The sink is going to call back.
        self._is_waiting = False
        # Done when the queue is empty; None if nothing waits for that.
        self._room: asyncio.Future[None] | None = None

    def position_in(self, topic: Membership) -> Position | None:
        """Return the position up to which everything of a channel was passed to the sink."""
        for backlog in self._backlogs.values():
            first = backlog.first_of(topic.name)
            if first is not None and first.position is not None:
                return first.position.previous()
        return topic.position_of(self)

    async def has_room(self) -> None:
        if self._is_waiting and not self.is_over:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def hold(self, parcel: Parcel) -> None:
        if not self._add(parcel):
            reason = f"it did not keep up with namespace {parcel.namespace.name!r}"
            self._counters.disconnect(parcel.items[0][0].channel, reason)
            self._log.warn("closed a socket that did not keep up with namespace %r", parcel.namespace.name)
            self._end(TRY_AGAIN_LATER, "try again later")
            return
        self.take = _refuse
        self._wait()

    def fail(self, error: Exception) -> None:
        if isinstance(error, WebsocketClosed):
            self._leave(self)
            return
        logger.error("a publication could not be delivered: the socket is closed", exc_info=error)
        self._end(INTERNAL_ERROR, "")

    def cut(self) -> None:
        if not self.is_over:
            self._end(TRY_AGAIN_LATER, "publications were missed")

    def finish(self) -> None:
        """Take nothing more. The socket belongs to the application, and the server closes it when it stops."""

    def left(self) -> None:
        super().left()
        self._counters.waiting.discard(self)
        self._forget_backlogs()
        self._make_room()

    def _end(self, code: int, reason: str) -> None:
        self._leave(self)
        self._closer.close(self._sink, code, reason)

    def _wait(self) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            self._counters.waiting.add(self)
            self._sink.when_ready(self._ready, self.backlog_size)

    def _ready(self) -> None:
        """Resume, because the sink has room again."""
        self._is_waiting = False
        if self.is_over:
            return
        try:
            for backlog in self._backlogs.values():
                while backlog:
                    if not self._hand_over(backlog):
                        self._wait()
                        return
        except Exception as error:
            self.fail(error)
            return
        self.take = self._sink.deliver
        self._counters.waiting.discard(self)
        self._make_room()

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _hand_over(self, backlog: Backlog) -> bool:
        items, gaps = backlog.portion(PORTION)
        assert self.encode is not None
        # An encoder that cannot express gaps returns nothing for one, which is fine: its policy allows drops.
        encoded_gaps: list[Item] = encode_all(gaps, self.encode)
        taken = self._sink.deliver(Batch([message for _, message in (*encoded_gaps, *items)]))
        if taken:
            backlog.discard(len(items), gaps)
        return taken


def _refuse(_: object) -> bool:
    """Serve as the `take` of an outlet with a queue."""
    return False
