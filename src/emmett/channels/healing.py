"""Recover missed publications: after a gap, after an outage of the broker, and periodically in quiet channels."""

from __future__ import annotations

import asyncio
import functools
import logging
import random
from collections.abc import Awaitable, Callable, Iterable

from ..errors import BrokerUnavailable
from .reading import Reader
from .tasks import Pool, Tasks
from .topic import Topic

# Seconds until a failed read is tried again, doubled each time.
FIRST_PAUSE = 0.25
# Quiet channels to queue for a check at once.
BATCH = 50

logger = logging.getLogger("emmett.channels")


class Healer:
    """Reads the histories of channels that may have missed publications.

    Arguments:
        reader: reads the histories.
        pool: bounds the number of concurrent recoveries.
        tasks: keeps the tasks.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self, reader: Reader, pool: Pool, tasks: Tasks, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._reader = reader
        self._pool = pool
        self._tasks = tasks
        self._sleep = sleep

    def heal(self, topic: Topic) -> None:
        """Schedule a read of the history of a channel whose `is_healing` is set."""
        self._pool.submit(functools.partial(self._heal, topic))

    def check(self, topic: Topic) -> None:
        """Schedule a read of the history of a channel unless one is already pending."""
        if not topic.is_healing and topic.position is not None:
            topic.is_healing = True
            self.heal(topic)

    async def check_quiet(self, topics: Iterable[Topic], seconds: float) -> None:
        """Check the channels in which nothing was heard since the last check.

        Arguments:
            topics: all channels.
            seconds: the time to spread the checks over.
        """
        quiet = []
        for topic in topics:
            if topic.is_quiet and topic.has_history and not topic.is_lost:
                quiet.append(topic)
            topic.is_quiet = True
        batches = [quiet[start : start + BATCH] for start in range(0, len(quiet), BATCH)]
        for batch in batches:
            for topic in batch:
                self._pool.submit(functools.partial(self._compare, topic))
            await self._sleep(seconds / len(batches) * random.uniform(0.5, 1.0))

    async def _heal(self, topic: Topic) -> None:
        limits, since = topic.namespace.limits, topic.position
        if limits is None or since is None or topic.users == 0:
            topic.is_healing = False
            topic.give_up()
            return
        topic.hold()
        try:
            is_first, is_done = True, False
            while not is_done:
                page = await self._reader.page(topic.name, topic.position or since, limits, is_first)
                is_first, is_done = False, topic.heal_with(page)
        except BrokerUnavailable as error:
            if topic.fail():
                self._tasks.spawn(self._heal_later(topic))
            else:
                logger.warning("the history of %r could not be read: %s", topic.name, error)
            return

    async def _heal_later(self, topic: Topic) -> None:
        await self._sleep(FIRST_PAUSE * 2**topic.attempts * random.uniform(0.5, 1.0))
        self.heal(topic)

    async def _compare(self, topic: Topic) -> None:
        limits = topic.namespace.limits
        if limits is None or not topic.users:
            return
        try:
            top = await self._reader.top(topic.name, limits)
        except BrokerUnavailable:
            # The next check asks again.
            return
        if not topic.is_level_with(top):
            self.check(topic)
