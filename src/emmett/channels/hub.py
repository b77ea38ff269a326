"""The hub of a process: all its subscribers by channel, and the distribution of publications from the broker."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from ..errors import BrokerUnavailable
from ..observers import BrokerEvent, ChannelEvent, notify
from ..rare_log import RareLog
from .brokers.port import Broker, Entry
from .catch_up import CatchUp
from .closing import Closer
from .healing import Healer
from .identities import Identities
from .names import covers
from .namespaces import Namespaces
from .opening import Opener
from .publication import Position
from .reading import Reader, is_last_page, stopped
from .receiver import Membership, Receiver
from .stats import Counters
from .tasks import Pool, Tasks, run_together
from .topic import Topic, read_entry

# Seconds to keep the subscription of a channel without subscribers: people come back, and pages are reloaded.
LINGER = 1.0
# Seconds between two checks of the history of a quiet channel.
CHECK_INTERVAL = 60.0
# Channels to recover concurrently.
MAX_HEALED = 16
# Attempts to read a complete history for one subscriber.
MAX_TRIES = 3

logger = logging.getLogger("emmett.channels")


class Hub:
    """The `Listener` of a broker. It lives from the start of the channels until they stop.

    Arguments:
        broker: a broker that is about to be started with this hub.
        namespaces: the options of the channels.
        counters: the counters to update.
        linger, check_interval: seconds, see above.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        broker: Broker,
        namespaces: Namespaces,
        counters: Counters,
        *,
        linger: float = LINGER,
        check_interval: float = CHECK_INTERVAL,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.broker = broker
        self.namespaces = namespaces
        self.counters = counters
        self.log = RareLog(logger)
        self.tasks = Tasks()
        self.closer = Closer(self.tasks, sleep)
        self.topics: dict[str, Topic] = {}
        # Called when subscriptions are restored.
        self.on_restored: list[Callable[[], None]] = []
        self.is_stopped = False
        # The number of receivers.
        self.subscribers = 0
        self.identities = Identities()
        # Receivers that have left all their channels and may be added to others.
        self._resting: set[Receiver] = set()
        self._linger = linger
        self._check_interval = check_interval
        self._sleep = sleep
        self.reader = Reader(broker, self.tasks)
        self._healer = Healer(self.reader, Pool(self.tasks, MAX_HEALED), self.tasks, sleep)
        self._opener = Opener(broker, self.tasks, self._subscribed)

    # Events from the broker.

    def heard(self, subscribed: str, channel: str, entry: Entry) -> None:
        """Pass a publication to the subscribers. See `Listener`."""
        topic = self.topics.get(subscribed)
        if topic is not None and not topic.hear(channel, entry):
            self.counters.rejected += 1
            self.log.warn("ignored a publication of channel %r: unexpected format", channel)

    def lost(self, subscribed: Collection[str] | None) -> None:
        """Note which subscriptions are interrupted. See `Listener`."""
        topics = self._named(subscribed)
        for topic in topics:
            topic.is_lost = True
        self.log.warn("the broker is away: %d channels receive nothing until it is back", len(topics))
        notify(self.counters.observers.broker_lost, BrokerEvent(len(topics)))

    def restored(self, subscribed: Collection[str] | None) -> None:
        """Recover missed publications, and report those that cannot be recovered. See `Listener`."""
        topics = self._named(subscribed)
        for topic in topics:
            topic.is_lost = False
            if topic.has_history:
                self._healer.check(topic)
            elif topic.is_listening:
                topic.miss()
        logger.info("the broker is back: %d channels receive again", len(topics))
        notify(self.counters.observers.broker_restored, BrokerEvent(len(topics)))
        for callback in self.on_restored:
            callback()

    # Subscribers that enter and leave.

    async def enter(
        self, receiver: Receiver, names: Iterable[str], since: Mapping[str, Position], recent: int = 0
    ) -> bool | None:
        """Subscribe a new receiver to channels; see `add`.

        Raises:
            BrokerUnavailable: the broker does not answer; the receiver has left.
        """
        self.subscribers += 1
        try:
            return await self.add(receiver, names, since, recent)
        except BaseException:
            self.leave(receiver)
            raise

    async def add(
        self, receiver: Receiver, names: Iterable[str], since: Mapping[str, Position], recent: int = 0
    ) -> bool | None:
        """Subscribe a receiver to channels.

        Arguments:
            names: channels and patterns, already checked, none of which the receiver is in.
            since: the position after which to begin, by channel.
            recent: the number of newest publications to begin with in the other channels with history.

        Returns:
            Whether everything after the positions was recovered; None without positions, and if the receiver has ended
            or ends meanwhile.

        Raises:
            BrokerUnavailable: the broker does not answer; the receiver is in none of these channels.
        """
        if receiver.is_over:
            return None
        topics = [self._reserve(name) for name in names]
        has_joined = False
        if observers := self.counters.observers.channel_subscribed:
            self._notify(observers, topics)
        try:
            for topic in topics:
                await self._opened(topic)
            has_joined = not receiver.is_over
            if has_joined:
                return await self._join_all(receiver, topics, since, recent)
        except BaseException:
            if has_joined:
                self.remove(receiver, [topic.name for topic in topics])
            else:
                self._release(receiver, topics)
            raise
        self._release(receiver, topics)
        return None

    async def _join_all(
        self, receiver: Receiver, topics: Sequence[Topic], since: Mapping[str, Position], recent: int
    ) -> bool | None:
        receiver.topics.extend(topics)
        self._resting.discard(receiver)
        jobs = [job for topic in topics if (job := self._join(receiver, topic, since.get(topic.name), recent))]
        self._except_doubles(receiver, topics)
        is_complete = all(await run_together(jobs)) if jobs else True
        return is_complete if since else None

    def remove(self, receiver: Receiver, names: Collection[str]) -> None:
        """Remove a receiver from some of its channels; it stays a subscriber, even without any."""
        topics = [topic for topic in receiver.topics if topic.name in names]
        receiver.topics[:] = [topic for topic in receiver.topics if topic.name not in names]
        self._release(receiver, topics)
        for topic in topics:
            receiver.forget(topic)
        if not receiver.topics and not receiver.is_over:
            self._resting.add(receiver)

    def leave(self, receiver: Receiver) -> None:
        """Remove a receiver from all its channels. Later calls do nothing."""
        topics = list(receiver.topics)
        if receiver.is_over:
            return
        self.subscribers -= 1
        receiver.left()
        self.identities.forget(receiver)
        self._resting.discard(receiver)
        self._release(receiver, topics)

    def _release(self, receiver: Receiver, topics: Iterable[Membership]) -> None:
        for topic in topics:
            topic.leave(receiver)
        if observers := self.counters.observers.channel_unsubscribed:
            self._notify(observers, topics)

    async def run(self) -> None:
        """Check quiet channels periodically for as long as the hub lives."""
        while True:
            await self._sleep(self._check_interval * random.uniform(0.5, 1.0))
            await self.check_quiet(self._check_interval / 2)

    async def check_quiet(self, seconds: float = 0.0) -> None:
        """Check whether quiet channels have missed publications, spread over a number of seconds."""
        await self._healer.check_quiet(list(self.topics.values()), seconds)

    async def stop(self) -> None:
        """End all subscribers, and release all resources."""
        self.is_stopped = True
        self.reader.stop()
        for topic in self.topics.values():
            if topic.timer is not None:
                topic.timer.cancel()
            if not topic.opened.done():
                topic.opened.set_result(stopped())
            for receiver in topic.stream.receivers():
                receiver.finish()
                self.leave(receiver)
            topic.stream.stop()
        for receiver in list(self._resting):
            receiver.finish()
            self.leave(receiver)
        self.topics.clear()
        self.on_restored.clear()
        await self.tasks.cancel()

    def _notify(self, observers: Iterable[Callable[[ChannelEvent], None]], topics: Iterable[Membership]) -> None:
        for topic in topics:
            notify(observers, ChannelEvent(topic.name, self.subscribers))

    def _named(self, names: Collection[str] | None) -> list[Topic]:
        if names is None:
            return list(self.topics.values())
        return [self.topics[name] for name in names if name in self.topics]

    def _reserve(self, name: str) -> Topic:
        topic = self.topics.get(name)
        if topic is None:
            namespace = self.namespaces.of(name)
            topic = Topic(name, namespace, self.counters, self._healer.heal, self._close_later, self.identities)
            self.topics[name] = topic
            self._opener.open(topic)
        elif topic.timer is not None:
            topic.timer.cancel()
            topic.timer = None
        topic.users += 1
        return topic

    async def _opened(self, topic: Topic) -> None:
        error = topic.opened.result() if topic.opened.done() else await asyncio.shield(topic.opened)
        if isinstance(error, BrokerUnavailable):
            # A new error for each waiter: a shared one would collect all their tracebacks.
            raise type(error)(error.message)
        if error is not None:
            raise error
        if topic.is_lost:
            raise BrokerUnavailable(f"the broker is away: channel {topic.name!r} receives nothing until it is back")

    def _subscribed(self, topic: Topic, error: Exception | None) -> None:
        """Record that the broker has subscribed, or failed to."""
        if error is not None:
            self._fail(topic, error)
        elif topic.opened.done():
            pass
        elif topic.has_history:
            topic.listen()
            self.tasks.spawn(self._begin(topic))
        else:
            topic.listen()
            topic.opened.set_result(None)

    async def _begin(self, topic: Topic) -> None:
        assert topic.namespace.limits is not None
        try:
            top = await self.reader.top(topic.name, topic.namespace.limits)
        except BrokerUnavailable as error:
            self._fail(topic, error)
            self._opener.close(topic)
            return
        if not topic.opened.done():
            topic.begin(top)
            topic.opened.set_result(None)

    def _fail(self, topic: Topic, error: Exception) -> None:
        if self.topics.get(topic.name) is topic:
            del self.topics[topic.name]
        if not topic.opened.done():
            topic.opened.set_result(error)

    def _close_later(self, topic: Topic) -> None:
        """Unsubscribe after a while, because the last subscriber has left."""
        if not self.is_stopped:
            topic.timer = asyncio.get_running_loop().call_later(self._linger, self._close, topic)

    def _close(self, topic: Topic) -> None:
        """Unsubscribe, unless a new subscriber has arrived."""
        topic.timer = None
        if not topic.users and self.topics.get(topic.name) is topic:
            del self.topics[topic.name]
            topic.stream.stop()
            self._opener.close(topic)

    def _join(
        self, receiver: Receiver, topic: Topic, since: Position | None, recent: int
    ) -> Coroutine[Any, Any, bool] | None:
        """Add a receiver to a channel; return the coroutine that reads what it gets from the history, if needed."""
        start = topic.position
        if start is None:
            topic.stream.join(receiver)
            return None
        is_recent = since is None and recent > 0
        if is_recent:
            since = start.back(recent)
        receiver.note_position(topic.name, start if since is None else since)
        if since is None and not topic.stream.is_busy:
            topic.stream.join(receiver)
            return None
        # Publications under way were published before.
        last = start if since is None else None
        catch_up = CatchUp(receiver, topic.name, topic.namespace, start, last)
        topic.stream.join_catching_up(receiver, catch_up)
        return None if since is None else _recover(self.reader, topic, catch_up, since, is_recent)

    def _except_doubles(self, receiver: Receiver, topics: Sequence[Topic]) -> None:
        for pattern in (topic for topic in topics if topic.is_pattern):
            for topic in topics:
                if not topic.is_pattern and covers(pattern.name, topic.name):
                    pattern.stream.make_exception(topic.name, receiver)


async def _recover(reader: Reader, topic: Topic, catch_up: CatchUp, since: Position, is_recent: bool = False) -> bool:
    """Deliver to a receiver what follows a position; return whether that was everything.

    Arguments:
        is_recent: whether the receiver has had nothing yet, so that nothing before the first publication is missing.
    """
    assert topic.namespace.limits is not None
    assert topic.position is not None
    limits, attempts = topic.namespace.limits, 1
    while True:
        page = await reader.page(topic.name, since, limits, is_first=not catch_up.read)
        is_last, is_past = is_last_page(page), catch_up.is_past(page.top)
        if is_last and not is_past and attempts < MAX_TRIES:
            # A replica lags, or there were too many live publications to hold.
            attempts += 1
            catch_up.again(topic.position)
            continue
        read = (read_entry(topic.name, entry) for entry in page.entries)
        is_complete = page.complete or (is_recent and not catch_up.read)
        catch_up.add_page([each for each in read if each is not None], page.top, is_complete)
        since = page.entries[-1].position or page.top if page.entries else page.top
        # A reader cannot catch up with publications that arrive as fast as they are read.
        if is_last or catch_up.read > 2 * limits.size:
            break
        await catch_up.receiver.has_room()
    catch_up.finish(since, is_last and is_past)
    if not topic.stream.is_busy:
        topic.stream.settle()
    return catch_up.is_complete
