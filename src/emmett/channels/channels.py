"""`Channels`: publish and subscribe, wired to an application."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self, Unpack

from ..errors import BrokerUnavailable, ChannelDenied, ConfigurationError, UsageError
from ..observers import Observers
from .brokers.port import Broker
from .brokers.registry import is_in_memory, make_broker
from .encoding import Encode, encode_data
from .envelope import pack
from .health import Health, HealthCheck, find_needs, start_broker
from .hub import CHECK_INTERVAL, LINGER, Hub
from .names import check_channel
from .namespaces import Namespace, Namespaces, Options
from .presence import Member, Presence
from .publication import Position, Publication
from .since import Since, parse_since
from .sink import Sink
from .stats import Counters
from .subscription import Subscription
from .topic import read_entry
from .workers import check_workers

BROKER_VARIABLE = "EMMETT_BROKER"
# How many worker processes there are; `emmett serve --workers` sets it.

# Seconds for which the broker is tried at start-up.
START_TIMEOUT = 10.0


logger = logging.getLogger("emmett.channels")


class HostApplication(Protocol):
    """What channels are wired to: an `App`."""

    @property
    def observers(self) -> Observers:
        """Those that learn of its channels."""

    @property
    def wired(self) -> list[Any]:
        """What was wired to it, where commands find it."""

    def on_startup(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """Register a function to run before the first request."""

    def on_shutdown(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """Register a function to run after the last request."""


class Stats(NamedTuple):
    """What the channels of this process have done.

    Fields:
        channels: channels and patterns that this process is subscribed to.
        subscribers: those of this process.
        published, delivered, dropped, disconnected, gaps, healed, rejected: as of `Counters`.
    """

    channels: int
    subscribers: int
    published: int
    delivered: int
    dropped: int
    disconnected: int
    gaps: int
    healed: int
    rejected: int


class HistoryPage(NamedTuple):
    """What is in the history of a channel.

    Fields:
        publications: in their order.
        top: the position of the newest publication there is.
        complete: whether everything after the position that was asked for is there.
    """

    publications: list[Publication]
    top: Position
    complete: bool


class _Running(NamedTuple):
    hub: Hub
    health: HealthCheck
    presence: Presence
    broker: Broker
    loop: asyncio.AbstractEventLoop


class Channels:
    """The channels of an application.

    Arguments:
        app: it starts and stops them. Without one: `async with channels:`.
        broker: the URL of a broker, or one; by default what the environment variable EMMETT_BROKER says, else "memory".
        prefix: what the names of everything in the broker begin with: applications that share a broker need different
            ones.
        linger: seconds for which a channel that nobody is subscribed to any more stays subscribed at the broker.
        check_interval: seconds between two looks at the history of a channel where nothing is heard.
        start_timeout: seconds for which the broker is tried at start-up.

    Raises:
        ConfigurationError: there is no such broker.
    """

    def __init__(
        self,
        app: HostApplication | None = None,
        broker: str | Broker | None = None,
        *,
        prefix: str = "emmett",
        linger: float = LINGER,
        check_interval: float = CHECK_INTERVAL,
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        if isinstance(app, str):
            raise ConfigurationError("Channels(app, broker): the application comes first; None for none")
        self.prefix = prefix
        self._linger = linger
        self._check_interval = check_interval
        self._start_timeout = start_timeout
        chosen = os.environ.get(BROKER_VARIABLE) or "memory" if broker is None else broker
        self._broker: Broker = make_broker(chosen, prefix) if isinstance(chosen, str) else chosen
        self._namespaces = Namespaces()
        self._counters = Counters()
        self._running: _Running | None = None
        self._has_app = app is not None
        # Nobody may hear what is published.
        self._is_alone = False
        if app is not None:
            self._counters.observers = app.observers
            app.on_startup(self.startup)
            app.on_shutdown(self.shutdown)
            app.wired.append(self)

    @property
    def is_in_memory(self) -> bool:
        """Whether publications reach no further than this process."""
        return is_in_memory(self._broker)

    def namespace(self, name: str, **options: Unpack[Options]) -> Namespace:
        """Say what holds for the channels of a namespace: those whose names begin with it and a colon.

        Arguments:
            name: the text before the colon; empty for channels without one.
            options: see `Namespace`.

        Raises:
            ConfigurationError: the namespace was declared before, or an option is not allowed.
            UsageError: the channels are started already.
        """
        if self._running is not None:
            raise UsageError(f"namespace {name!r}: declare namespaces before the application starts")
        return self._namespaces.declare(name, options)

    def subscribe(
        self,
        *names: str,
        since: Since | Mapping[str, Since] = None,
        deliver: Sink | None = None,
        encode: Encode | None = None,
        member: str | None = None,
        info: Any = None,
    ) -> Subscription:
        """Subscribe to channels: `async with channels.subscribe("room:1") as feed: async for publication in feed: …`.

        Arguments:
            names: channels and patterns such as `room:*`, at most 128.
            since: the position, or its text, after which to begin, in a namespace with history; with several channels
                a mapping by channel. It may be a field of a query as it is: anything that is no position, such as a
                repeated field, counts as a position that is not known any more.
            deliver: a websocket that gets the publications. It is accepted first.
            encode: what the websocket gets of a publication: `str`, `bytes`, or None for nothing. By default the data
                of messages.
            member: who is there, in a namespace with presence, for as long as the block lasts.
            info: what others may know of the member; anything that JSON can express.

        Raises, on entry:
            ChannelDenied: `may_subscribe` of a namespace refuses; also InvalidChannel for a name that none can have.
            BrokerUnavailable: the broker does not answer.
            ConfigurationError: an option needs another one, or a namespace that has it.
            UsageError: the channels are not started.
        """
        return Subscription(self, names, since, deliver, encode, member, info)

    async def publish(self, channel: str, data: Any, *, check: bool = True) -> Position | None:
        """Publish to a channel: every subscriber of it gets the data, on every node.

        Arguments:
            channel: the channel.
            data: what is published: `str` or `bytes` as it is, anything else that JSON can express as JSON text.
            check: whether to ask `may_publish` of the namespace; not to ask is for code that may do everything.

        Returns:
            The position; None in a namespace without history.

        Raises:
            ChannelDenied: `may_publish` refuses; also InvalidChannel for a name that none can have.
            BrokerUnavailable: the broker does not answer. The publication may still have happened.
            ValueError: the data is larger than `max_message_size`.
            TypeError: the data is neither `str` nor `bytes`, and JSON cannot express it.
            UsageError: the channels are not started.
        """
        broker = self.running().broker
        check_channel(channel)
        namespace = self._namespaces.of(channel)
        if not isinstance(data, (str, bytes, bytearray, memoryview)):
            data = encode_data(data)
        payload = pack(data)
        # One byte is the envelope.
        if len(payload) - 1 > namespace.max_message_size:
            raise ValueError(
                f"{len(payload) - 1} bytes for channel {channel!r}: max_message_size is {namespace.max_message_size}"
            )
        if check and namespace.may_publish is not None:
            answer = namespace.may_publish(channel, data)
            if not (await answer if inspect.isawaitable(answer) else answer):
                raise ChannelDenied(f"channel {channel!r} may not be published to, says may_publish of its namespace")
        if self._is_alone and not self.running().hub.subscribers:
            self._warn_of_memory()
        position = await broker.publish(channel, payload, namespace.limits)
        self._counters.published += 1
        return position

    async def history(self, channel: str, since: Since = None, limit: int | None = 100) -> HistoryPage:
        """Read what was published to a channel.

        Arguments:
            channel: a channel of a namespace with history.
            since: what follows this position; without one the newest. What is no position counts as one that is not
                known any more.
            limit: at most so many; None for all that is kept.

        Raises:
            BrokerUnavailable: the broker does not answer.
            ConfigurationError: the namespace has no history.
        """
        broker = self.running().broker
        check_channel(channel)
        limits = self._namespaces.of(channel).limits
        if limits is None:
            raise ConfigurationError(f"channel {channel!r} has no history: declare its namespace with history=…")
        found = await broker.history(channel, parse_since(since), limit, limits)
        read = (read_entry(channel, entry) for entry in found.entries)
        return HistoryPage([each for each in read if each is not None], found.top, found.complete)

    async def presence(self, channel: str) -> dict[str, Member]:
        """Return who is in a channel, on all nodes: by member the info and the number of connections.

        Raises:
            BrokerUnavailable: the broker does not answer.
            ConfigurationError: the namespace has no presence.
        """
        presence = self.running().presence
        check_channel(channel)
        if not self._namespaces.of(channel).presence:
            raise ConfigurationError(f"channel {channel!r} has no presence: declare its namespace with presence=True")
        return await presence.present(channel)

    async def check(self) -> Health:
        """Try what the application needs of the broker, and return what is wrong. It never raises.

        It subscribes and publishes, and, where a namespace has them, writes and reads history and presence: on channels
        of the namespace `emmett-check`, on every server.
        """
        running = self._running
        if running is None:
            return Health(False, None, ["the channels are not started"])
        problems: list[str] = []
        round_trip: float | None = None
        try:
            round_trip = await running.health.run()
        except BrokerUnavailable as error:
            problems.append(str(error))
        topics = running.hub.topics.values()
        if lost := sum(topic.is_lost for topic in topics):
            problems.append(f"{lost} of {len(topics)} channels hear nothing until the broker is back")
        if healing := sum(topic.is_healing for topic in topics):
            problems.append(f"{healing} channels look for publications that they missed")
        return Health(not problems, round_trip, problems)

    def stats(self) -> Stats:
        """Return what the channels of this process have done, in numbers."""
        hub, counters = self._running.hub if self._running else None, self._counters
        return Stats(
            len(hub.topics) if hub else 0,
            hub.subscribers if hub else 0,
            counters.published,
            counters.delivered,
            counters.dropped,
            counters.disconnected,
            counters.gaps,
            counters.healed,
            counters.rejected,
        )

    async def startup(self) -> None:
        """Connect to the broker, and try what the application needs of it. An application does so when it starts.

        Raises:
            BrokerUnavailable: it does not answer, or cannot do it, for `start_timeout` seconds.
            BrokerRefused: it refuses, and waiting does not help; raised at once.
            ConfigurationError: it is the memory broker, and there are several worker processes.
            UsageError: the channels are started already.
        """
        if self._running is not None:
            raise UsageError("the channels are started already")
        if self.is_in_memory:
            check_workers()
        broker = self._broker
        hub = Hub(broker, self._namespaces, self._counters, linger=self._linger, check_interval=self._check_interval)
        health = HealthCheck(broker, find_needs(self._namespaces), hub.tasks)
        try:
            await start_broker(broker, hub, health, self._start_timeout)
        except BaseException:
            await hub.stop()
            raise
        presence = Presence(broker, self._namespaces, hub.tasks)
        hub.on_restored.append(presence.rejoin_all)
        self._running = _Running(hub, health, presence, broker, asyncio.get_running_loop())
        hub.tasks.spawn(hub.run())
        for namespace in self._namespaces:
            if namespace.presence:
                hub.tasks.spawn(presence.run(namespace))

    async def shutdown(self) -> None:
        """End all subscriptions and let go of the broker. An application does so when it stops."""
        running, self._running = self._running, None
        if running is None:
            return
        try:
            await running.presence.stop()
            await running.hub.stop()
        finally:
            await running.broker.stop()

    async def __aenter__(self) -> Self:
        await self.startup()
        # Not served, but in a program of its own, such as a cron job.
        self._is_alone = self._has_app and self.is_in_memory
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_alone = False
        await self.shutdown()

    def _warn_of_memory(self) -> None:
        """Say once that nobody hears what is published in memory, in a process of its own."""
        self._is_alone = False
        logger.warning(
            "published to channels in memory, which no other process hears: configure a broker that processes share, "
            "Channels(app, 'redis://…') or EMMETT_BROKER=redis://… (or nats://…)"
        )

    def running(self) -> _Running:
        """Return what runs while the channels are started.

        Raises:
            UsageError: they are not started, or on another event loop.
        """
        running = self._running
        if running is None:
            raise UsageError(
                "the channels are not started: Channels(app) starts with the application, and after it the functions "
                "that were registered with app.on_startup later. A server without ASGI lifespan, such as daphne, never "
                "starts them: use emmett serve, uvicorn or hypercorn. In a script, write `async with channels:`"
            )
        if running.loop is not asyncio.get_running_loop():
            raise UsageError("the channels were started on another event loop, and can be used on that one only")
        return running
