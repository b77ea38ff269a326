"""Looks for what channels have missed: after a gap, after the broker was away, and now and then where it is quiet."""

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

# Seconds until a read that failed is tried again, doubled each time.
FIRST_PAUSE = 0.25
# Quiet channels whose check is put in line at once.
BATCH = 50

logger = logging.getLogger("emmett.channels")


class Healer:
    """Reads the histories of channels that may have missed something.

    Arguments:
        reader: it reads them.
        pool: it bounds how many are healed at once.
        tasks: they keep the tasks.
        sleep: waits for so many seconds.
    """

    def __init__(
        self, reader: Reader, pool: Pool, tasks: Tasks, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._reader = reader
        self._pool = pool
        self._tasks = tasks
        self._sleep = sleep

    def heal(self, topic: Topic) -> None:
        """Read the history of a channel soon; its `is_healing` is set."""
        self._pool.submit(functools.partial(self._heal, topic))

    def check(self, topic: Topic) -> None:
        """Read the history of a channel if it is not in line for that yet."""
        if not topic.is_healing and topic.position is not None:
            topic.is_healing = True
            self.heal(topic)

    async def check_quiet(self, topics: Iterable[Topic], seconds: float) -> None:
        """Check those channels where nothing was heard since the last time.

        Arguments:
            topics: all of them.
            seconds: over which the checks are spread.
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
            # It is asked again next time.
            return
        if not topic.is_level_with(top):
            self.check(topic)
