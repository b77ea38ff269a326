"""Read histories: equal reads are shared, concurrent reads are limited, and each read is a page of bounded size."""

from __future__ import annotations

import asyncio
import functools

from ..errors import BrokerUnavailable
from .brokers.port import Broker, History, Limits
from .publication import Position
from .tasks import Pool, Tasks

# Bytes of a page; a single publication may be larger. Both the transfer from the broker and the decoding, encoding and
# delivery in one turn of the event loop delay live publications. Most clients have missed little, so the first page is
# small, and many first pages are read concurrently.
FIRST_PAGE_BYTES = 16 * 1024
PAGE_BYTES = 32 * 1024
# Concurrent reads: for the newest position alone, for first pages, and for further ones.
MAX_READS = 32
MAX_FIRST_PAGES = 16
MAX_PAGES = 4

# A query: the channel, the position to begin after, and the number of bytes; 0 for the newest position alone.
Question = tuple[str, Position | None, int]


class Reader:
    """Reads histories for the subscribers of a process. Ten thousand at once cause no more load than a few.

    Arguments:
        broker: the broker with the histories.
        tasks: keeps the tasks.
    """

    def __init__(self, broker: Broker, tasks: Tasks) -> None:
        self._broker = broker
        # By the number of bytes requested.
        self._pools = {
            0: Pool(tasks, MAX_READS),
            FIRST_PAGE_BYTES: Pool(tasks, MAX_FIRST_PAGES),
            PAGE_BYTES: Pool(tasks, MAX_PAGES),
        }
        self._answers: dict[Question, asyncio.Future[History | BrokerUnavailable]] = {}
        self._is_stopped = False

    async def top(self, channel: str, limits: Limits) -> Position:
        """Return the newest position of a channel.

        Raises:
            BrokerUnavailable: as `page`.
        """
        return (await self._read((channel, None, 0), limits)).top

    async def page(self, channel: str, since: Position, limits: Limits, is_first: bool) -> History:
        """Return a page of the history after a position.

        The page is the last one if it has no entries, or if its last entry is at `top`. The result may be shared with
        an equal call that came earlier.

        Raises:
            BrokerUnavailable: the broker does not answer, or the channels have stopped.
        """
        return await self._read((channel, since, FIRST_PAGE_BYTES if is_first else PAGE_BYTES), limits)

    async def _read(self, question: Question, limits: Limits) -> History:
        answer = self._answers.get(question)
        if answer is None:
            if self._is_stopped:
                raise stopped()
            answer = self._answers[question] = asyncio.get_running_loop().create_future()
            self._pools[question[2]].submit(functools.partial(self._ask, question, limits))
        # Cancelling one caller must not cancel the others.
        found = await asyncio.shield(answer)
        if isinstance(found, BrokerUnavailable):
            # A new error for each caller: a shared one would collect all their tracebacks.
            raise type(found)(found.message)
        return found

    def stop(self) -> None:
        """Stop answering."""
        self._is_stopped = True
        for answer in self._answers.values():
            answer.set_result(stopped())
        self._answers.clear()

    async def _ask(self, question: Question, limits: Limits) -> None:
        channel, since, size = question
        found: History | BrokerUnavailable
        try:
            found = await self._broker.history(channel, since, None if size else 0, limits, size or None)
        except BrokerUnavailable as error:
            found = error
        except Exception as error:
            found = BrokerUnavailable(f"the history of {channel!r} could not be read: {error!r}")
        answer = self._answers.pop(question, None)
        if answer is not None:
            answer.set_result(found)


def is_last_page(page: History) -> bool:
    """Return whether nothing follows a page."""
    return not page.entries or page.entries[-1].position == page.top


def stopped() -> BrokerUnavailable:
    """Return the error for callers that still wait when the channels stop."""
    return BrokerUnavailable("the channels have stopped")
