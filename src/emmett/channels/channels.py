"""`Channels`: publish and subscribe, wired to an application."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import math
import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self, Unpack

import msgspec

from ..errors import BrokerUnavailable, ChannelDenied, ConfigurationError, UsageError
from ..observers import Observers
from .brokers.port import Broker
from .brokers.registry import is_in_memory, make_broker
from .encoding import Encode, encode_data
from .envelope import pack
from .health import Health, HealthCheck, find_needs, start_broker
from .hub import CHECK_INTERVAL, LINGER, Hub
from .names import check_channel, check_name
from .namespaces import Namespace, Namespaces, Options
from .observed import publish_observed
from .presence import Member, Presence
from .publication import Details, Position, Publication
from .since import Since, parse_since
from .sink import Sink
from .stats import Counters
from .subscription import Subscription
from .topic import read_entry
from .workers import check_workers

BROKER_VARIABLE = "EMMETT_BROKER"
# The number of worker processes; `emmett serve --workers` sets it.

# Seconds to keep trying the broker at start-up.
START_TIMEOUT = 10.0


logger = logging.getLogger("emmett.channels")


class HostApplication(Protocol):
    """The application that channels are attached to: an `App`."""

    @property
    def observers(self) -> Observers:
        """The observers to notify of channel events."""

    @property
    def wired(self) -> list[Any]:
        """Objects attached to the application, where commands find them."""

    def on_startup(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """Register a function to run before the first request."""

    def on_shutdown(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """Register a function to run after the last request."""


class Stats(NamedTuple):
    """Statistics of the channels of this process.

    Fields:
        channels: channels and patterns that this process is subscribed to.
        subscribers: subscribers in this process.
        published, delivered, dropped, disconnected, gaps, healed, rejected: see `Counters`.
        queued: publications that wait for their subscribers.
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
    queued: int


class HistoryPage(NamedTuple):
    """A page of a channel's history.

    Fields:
        publications: the publications, in order.
        top: the position of the newest publication in the history.
        complete: whether the history has everything after the requested position.
    """

    publications: list[Publication]
    top: Position
    complete: bool


class RunningChannels(NamedTuple):
    """The parts of channels that have started, for what is built on them."""

    hub: Hub
    health: HealthCheck
    presence: Presence
    broker: Broker
    loop: asyncio.AbstractEventLoop


class Channels:
    """The channels of an application.

    Arguments:
        app: the application, which starts and stops the channels. Without one, use `async with channels:`.
        broker: a broker or its URL; by default the environment variable EMMETT_BROKER, else "memory".
        prefix: the prefix of every name in the broker. Applications that share a broker need different prefixes.
        linger: seconds to stay subscribed at the broker to a channel without subscribers.
        check_interval: seconds between two checks of the history of a quiet channel.
        start_timeout: seconds to keep trying the broker at start-up.
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
        self._running: RunningChannels | None = None
        self._has_app = app is not None
        # Possibly no subscriber can hear what this process publishes.
        self._is_alone = False
        if app is not None:
            self._counters.observers = app.observers
            app.on_startup(self.startup)
            app.on_shutdown(self.shutdown)
            app.wired.append(self)

    @property
    def is_in_memory(self) -> bool:
        """Whether publications stay within this process."""
        return is_in_memory(self._broker)

    @property
    def broker_kind(self) -> str:
        """The name of the class of the broker."""
        return type(self._broker).__name__

    @property
    def has_started(self) -> bool:
        """Whether the channels have started, and not stopped since."""
        return self._running is not None

    def namespace(self, name: str, **options: Unpack[Options]) -> Namespace:
        """Set the options of a namespace: of all channels whose names begin with it and a colon.

        Arguments:
            name: the text before the colon; empty for channels without a colon.
            options: see `Namespace`.

        Raises:
            ConfigurationError: the namespace is already declared, or an option is invalid.
            UsageError: the channels have already started.
        """
        if self._running is not None:
            raise UsageError(f"namespace {name!r}: declare namespaces before the application starts")
        return self._namespaces.declare(name, options)

    def namespace_of(self, channel: str) -> Namespace:
        """Return the namespace of a channel or pattern.

        Raises:
            InvalidChannel: the name is invalid.
        """
        check_name(channel)
        return self._namespaces.of(channel)

    def subscribe(
        self,
        *names: str,
        since: Since | Mapping[str, Since] = None,
        deliver: Sink | None = None,
        encode: Encode | None = None,
        member: str | None = None,
        info: Any = None,
        recent: int = 0,
        check: bool = True,
    ) -> Subscription:
        """Subscribe to channels: `async with channels.subscribe("room:1") as feed: async for publication in feed: …`.

        Arguments:
            names: channels and patterns such as `room:*`, at most 128.
            since: the position, or its text, after which to begin, in a namespace with history; for several channels, a
                mapping from channel to position. A query field may be passed as it is: anything that is not a position,
                such as a repeated field, counts as a position that is no longer known.
            deliver: a websocket to send the publications to. It is accepted first.
            encode: returns the message to send for a publication: `str`, `bytes`, or None for nothing. The default
                sends the data of messages.
            member: the member that is present for as long as the block lasts, in a namespace with presence.
            info: information about the member that others may see; any value that JSON can express.
            recent: how many of the newest publications to begin with in each channel with history, unless `since` has a
                position for it.
            check: whether to ask `may_subscribe` of the namespaces; pass False in code that may read anything.

        Raises, on entry:
            ChannelDenied: `may_subscribe` of a namespace refuses; its subclass InvalidChannel: a name is invalid.
            BrokerUnavailable: the broker does not answer.
            ConfigurationError: an option requires another option, or a namespace that supports it.
            UsageError: the channels have not started.
        """
        return Subscription(self, names, since, deliver, encode, member, info, recent, check)

    async def publish(
        self,
        channel: str,
        data: Any,
        *,
        check: bool = True,
        details: Details | None = None,
        exclude: Subscription | str | None = None,
        idempotency_key: str = "",
    ) -> Position | None:
        """Publish data to every subscriber of a channel, on every node.

        Arguments:
            channel: the channel.
            data: the data: `str` or `bytes` is sent as it is, any other value that JSON can express as JSON text.
            check: whether to ask `may_publish` of the namespace; pass False in code that may publish anything.
            details: the publisher and tags, which subscribers get beside the data.
            exclude: the subscription that does not get it, or its `id`, on whatever node it is; for an SDK the `id` of
                the client.
            idempotency_key: publish only if nothing was published to this channel with the same key in the last five
                minutes, so that a call may be repeated.

        Returns:
            The position, with a known key that of the first publication; None in a namespace without history.

        Raises:
            ChannelDenied: `may_publish` refuses; its subclass InvalidChannel: the name is invalid.
            BrokerUnavailable: the broker does not answer. The publication may still have happened.
            ValueError: the data is larger than `max_message_size`, or the details than 16,384 bytes.
            TypeError: the data is neither `str` nor `bytes`, and JSON cannot express it.
            UsageError: the channels have not started.
        """
        broker = self.running().broker
        check_channel(channel)
        namespace = self._namespaces.of(channel)
        if not isinstance(data, (str, bytes, bytearray, memoryview)):
            data = encode_data(data)
        payload = pack(data)
        # The envelope takes one byte.
        if len(payload) - 1 > namespace.max_message_size:
            raise ValueError(
                f"{len(payload) - 1} bytes for channel {channel!r}: max_message_size is {namespace.max_message_size}"
            )
        if check and namespace.may_publish is not None:
            answer = namespace.may_publish(channel, data)
            if not (await answer if inspect.isawaitable(answer) else answer):
                raise ChannelDenied(f"channel {channel!r} may not be published to, says may_publish of its namespace")
        if exclude is not None:
            id = exclude if isinstance(exclude, str) else exclude.id
            details = msgspec.structs.replace(details or Details(), exclude=id)
        if details is not None:
            payload = pack(data, details=details)
        if self._is_alone and not self.running().hub.subscribers:
            self._warn_of_memory()
        observers = self._counters.observers
        if observers.publishing or observers.published or idempotency_key:
            limits = namespace.limits
            publish = functools.partial(broker.publish, channel, limits=limits)
            if idempotency_key:
                publish = functools.partial(broker.publish_once, channel, limits=limits, key=idempotency_key)
            position = await publish_observed(publish, channel, payload, self._counters)
        else:
            position = await broker.publish(channel, payload, namespace.limits)
        self._counters.published += 1
        return position

    async def history(self, channel: str, since: Since = None, limit: int | None = 100) -> HistoryPage:
        """Return publications from the history of a channel.

        Arguments:
            channel: a channel of a namespace with history.
            since: the position after which to begin; by default, return the newest publications. Anything that is not a
                position counts as one that is no longer known.
            limit: the maximum number of publications; None for all that the history keeps.

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
        """Return the members present in a channel, on all nodes, with their info and number of connections.

        Raises:
            BrokerUnavailable: the broker does not answer.
            ConfigurationError: the namespace has no presence.
        """
        presence = self.running().presence
        check_channel(channel)
        if not self._namespaces.of(channel).presence:
            raise ConfigurationError(f"channel {channel!r} has no presence: declare its namespace with presence=True")
        return await presence.present(channel)

    async def take(self, bucket: str, calls: int, period: float) -> float:
        """Take one call out of a token bucket that all nodes share, to limit how often something may happen.

        Arguments:
            bucket: the name of the bucket, as valid as that of a channel: `login:ada`.
            calls: how many may come at once, and in each period.
            period: seconds.

        Returns:
            0.0 if the bucket allows the call; otherwise the seconds until it allows one.

        Raises:
            BrokerUnavailable: the broker does not answer.
            InvalidChannel: the name is invalid.
            ValueError: `calls` or `period` is not above 0.
        """
        broker = self.running().broker
        check_channel(bucket)
        if not (calls >= 1 and 0 < period < math.inf):
            raise ValueError(f"take({bucket!r}, {calls!r}, {period!r}): expected at least 1 call, and seconds above 0")
        return await broker.take(bucket, calls, period)

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        """Take a lease that only one holder on all nodes has at a time, or renew it.

        Arguments:
            lease: the name of the lease, as valid as that of a channel.
            holder: the caller, unique among all nodes.
            ttl: seconds after which the lease ends unless it was renewed.

        Returns:
            Whether the holder has it.

        Raises:
            BrokerUnavailable: the broker does not answer. The lease may have been taken or not.
            InvalidChannel: the name is invalid.
            ValueError: `ttl` is not above 0, or the holder is empty.
        """
        broker = self.running().broker
        check_channel(lease)
        if not (holder and 0 < ttl < math.inf):
            raise ValueError(f"hold({lease!r}, {holder!r}, {ttl!r}): expected a holder, and seconds above 0")
        return await broker.hold(lease, holder, ttl)

    async def release(self, lease: str, holder: str) -> None:
        """End a lease, if this holder has it.

        Raises:
            BrokerUnavailable: the broker does not answer.
            InvalidChannel: the name is invalid.
        """
        broker = self.running().broker
        check_channel(lease)
        await broker.release(lease, holder)

    async def check(self) -> Health:
        """Test everything that the application needs from the broker, and return the problems found. Never raises.

        The test subscribes and publishes, and writes and reads history and presence where a namespace has them. It uses
        channels of the namespace `emmett-check`, on every server.
        """
        running = self._running
        if running is None:
            return Health(False, None, ["the channels have not started"])
        problems: list[str] = []
        round_trip: float | None = None
        try:
            round_trip = await running.health.run()
        except BrokerUnavailable as error:
            problems.append(str(error))
        topics = running.hub.topics.values()
        if lost := sum(topic.is_lost for topic in topics):
            problems.append(f"{lost} of {len(topics)} channels receive nothing until the broker is back")
        if healing := sum(topic.is_healing for topic in topics):
            problems.append(f"{healing} channels are recovering missed publications")
        return Health(not problems, round_trip, problems)

    def stats(self) -> Stats:
        """Return the statistics of the channels of this process."""
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
            counters.queued,
        )

    async def startup(self) -> None:
        """Connect to the broker, and test what the application needs. The application calls this when it starts.

        Raises:
            BrokerUnavailable: the broker does not answer, or fails the test, for `start_timeout` seconds.
            BrokerRefused: the broker refuses and retrying does not help; raised at once.
            ConfigurationError: the broker is "memory" and there are several worker processes.
            UsageError: the channels have already started.
        """
        if self._running is not None:
            raise UsageError("the channels have already started")
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
        self._running = RunningChannels(hub, health, presence, broker, asyncio.get_running_loop())
        hub.tasks.spawn(hub.run())
        for namespace in self._namespaces:
            if namespace.presence:
                hub.tasks.spawn(presence.run(namespace))

    async def shutdown(self) -> None:
        """End all subscriptions and stop the broker. The application calls this when it stops."""
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
        # Not served, but used in a separate program, such as a cron job.
        self._is_alone = self._has_app and self.is_in_memory
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_alone = False
        await self.shutdown()

    def _warn_of_memory(self) -> None:
        """Warn once that no subscriber can hear publications in memory from a separate process."""
        self._is_alone = False
        logger.warning(
            "published to channels in memory, which no other process hears: configure a broker that processes share, "
            "Channels(app, 'redis://…') or EMMETT_BROKER=redis://… (or nats://…)"
        )

    def running(self) -> RunningChannels:
        """Return the running parts.

        Raises:
            UsageError: the channels have not started, or run on another event loop.
        """
        running = self._running
        if running is None:
            raise UsageError(
                "the channels have not started: Channels(app) starts with the application, before the functions "
                "registered later with app.on_startup. A server without ASGI lifespan, such as daphne, never "
                "starts them: use emmett serve, uvicorn or hypercorn. In a script, write `async with channels:`"
            )
        if running.loop is not asyncio.get_running_loop():
            raise UsageError("the channels were started on another event loop and can only be used on that one")
        return running
