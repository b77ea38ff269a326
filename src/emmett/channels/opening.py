"""Subscribe and unsubscribe at the broker: one call at a time, each for all channels that are due."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..errors import BrokerRefused, BrokerUnavailable
from .brokers.port import BATCH, Broker
from .tasks import Tasks
from .topic import Topic

logger = logging.getLogger("emmett.channels")


class Opener:
    """Sends subscribe and unsubscribe calls one after the other, so that neither can overtake the other.

    Arguments:
        broker: the broker to subscribe at.
        tasks: keeps the task.
        opened: called when the broker has subscribed a topic, or with the error if it failed.
    """

    def __init__(self, broker: Broker, tasks: Tasks, opened: Callable[[Topic, Exception | None], None]) -> None:
        self._broker = broker
        self._tasks = tasks
        self._opened = opened
        self._to_open: dict[str, Topic] = {}
        self._to_close: dict[str, None] = {}
        self._is_running = False

    def open(self, topic: Topic) -> None:
        """Subscribe to a topic soon."""
        self._to_close.pop(topic.name, None)
        self._to_open[topic.name] = topic
        self._run_soon()

    def close(self, topic: Topic) -> None:
        """Unsubscribe from a topic soon."""
        if self._to_open.pop(topic.name, None) is not None:
            self._opened(topic, BrokerUnavailable(f"no subscriber waits for channel {topic.name!r} any more"))
        self._to_close[topic.name] = None
        self._run_soon()

    def _run_soon(self) -> None:
        if not self._is_running:
            self._is_running = True
            self._tasks.spawn(self._run())

    async def _run(self) -> None:
        try:
            while self._to_open or self._to_close:
                names = _take(self._to_close)
                if names:
                    await self._unsubscribe(names)
                names = list(self._to_open)[:BATCH]
                topics = [self._to_open.pop(name) for name in names]
                if topics:
                    await self._subscribe(topics)
        finally:
            self._is_running = False

    async def _unsubscribe(self, names: list[str]) -> None:
        try:
            await self._broker.unsubscribe(names)
        except Exception as error:
            # The next connection subscribes only to the topics wanted then.
            logger.warning("the broker could not unsubscribe from %d channels: %s", len(names), error)

    async def _subscribe(self, topics: list[Topic]) -> None:
        while topics:
            failed, failure = topics, await self._try(topics)
            if isinstance(failure, BrokerRefused):
                # Only refused topics fail: the others are tried again without them.
                failed = [topic for topic in topics if topic.name in failure.names] or topics
            for topic in failed:
                if failure is not None:
                    # It may already be subscribed, if its close was called off.
                    self._to_close.setdefault(topic.name)
                self._opened(topic, failure)
            left = set(topics).difference(failed)
            topics = [topic for topic in topics if topic in left]

    async def _try(self, topics: list[Topic]) -> Exception | None:
        try:
            await self._broker.subscribe([topic.name for topic in topics])
        except Exception as error:
            return error
        return None


def _take(names: dict[str, None]) -> list[str]:
    taken = list(names)[:BATCH]
    for name in taken:
        del names[name]
    return taken
