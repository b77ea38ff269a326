"""What the broker asks and hears, whichever servers there are."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeVar

from redis.exceptions import InvalidResponse, ResponseError

from ....errors import BrokerRefused, BrokerUnavailable
from ...names import namespace_of
from ...rare_log import RareLog
from ..liveness import TICKS
from ..port import Listener
from ..trial import NAMESPACE
from .calls import CallLink
from .feed import RedisFeed
from .format import RedisNames
from .link import RedisLink
from .refusals import kind_of, refused
from .scripts import Script

Result = TypeVar("Result")

logger = logging.getLogger("emmett.channels")


class Servers:
    """One server, several, or a cluster; subclasses know which of them has a channel.

    Arguments:
        listener: hears the publications.
        names: how things are called on the servers.
        timeout: seconds, as of `RedisLink`.
        name: what CLIENT LIST calls the connections.
    """

    def __init__(self, listener: Listener, names: RedisNames, timeout: float, name: str) -> None:
        self.names = names
        self._listener = listener
        self._timeout = timeout
        self._name = name
        # By kind of error.
        self._logs: dict[str, RareLog] = {}
        self._keeper: asyncio.Task[None] | None = None

    # What subclasses fill.

    def links(self) -> Iterable[RedisLink]:
        """Return all links there are now."""
        raise NotImplementedError

    def feeds_of(self, name: str) -> Sequence[RedisFeed]:
        """Return where a channel or a pattern is to be subscribed to."""
        raise NotImplementedError

    def callers(self) -> Sequence[CallLink]:
        """Return a link for each server that holds a part of the data."""
        raise NotImplementedError

    def trial_channels(self) -> Iterable[str]:
        """Return a channel of the namespace `trial.NAMESPACE` on each server."""
        raise NotImplementedError

    async def connect(self) -> None:
        """Connect.

        Raises:
            BrokerUnavailable: this cannot be done.
        """
        raise NotImplementedError

    async def ask(self, channel: str, *command: Any) -> Any:
        """Ask the server that has a channel.

        Raises:
            BrokerUnavailable: there was no answer, or an error as the answer.
        """
        raise NotImplementedError

    async def run(self, script: Script, channel: str, keys: Sequence[bytes], arguments: Sequence[Any]) -> Any:
        """Run a script on the server that has a channel.

        Raises:
            BrokerUnavailable: as `ask`.
        """
        raise NotImplementedError

    def look(self) -> None:
        """Look after what is more than single links; called `TICKS` times in each `timeout`."""

    # What they share.

    async def start(self) -> None:
        """Connect, and stay connected.

        Raises:
            BrokerUnavailable: the servers cannot be reached; nothing is left then.
        """
        self._keeper = asyncio.create_task(self._keep(), name=f"{self._name} keeper")
        try:
            await self.connect()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Let go of everything."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
        await asyncio.gather(*(link.stop() for link in self.links()))

    async def check(self) -> None:
        """Ask all servers whether they are there and can be written to.

        Raises:
            BrokerUnavailable: one is not, or publications of one are not heard.
        """
        callers = self.callers()
        for link in self.links():
            if isinstance(link, RedisFeed) and not link.is_up:
                raise link.unavailable("its publications are not heard at the moment")
        await asyncio.gather(*(self._check_role(link) for link in callers))

    async def _check_role(self, link: CallLink) -> None:
        try:
            answer = await link.ask("INFO", "replication")
        except ResponseError as error:
            raise refused(error, label_of(link)) from None
        if isinstance(answer, bytes) and b"role:slave" in answer:
            # PUBLISH is no write, and a replica takes it: it would reach nobody at the primary.
            raise BrokerUnavailable(
                f"the Redis broker at {label_of(link)} is a read-only replica: name its primary in the URL, or use "
                "redis+sentinel:// to find it"
            )

    async def subscribe(self, names: Collection[str]) -> None:
        """See `Broker.subscribe`."""
        wanted: dict[RedisFeed, list[str]] = {}
        for name in names:
            for feed in self.feeds_of(name):
                wanted.setdefault(feed, []).append(name)
        begun: list[tuple[RedisFeed, list[str]]] = []
        try:
            for feed, some in wanted.items():
                begun.append((feed, feed.begin(some)))
            waits = [feed.wait(some) for feed, some in wanted.items()]
            errors = [each for each in await asyncio.gather(*waits, return_exceptions=True) if each is not None]
            refusals = [error for error in errors if isinstance(error, BrokerRefused)]
            if errors and len(refusals) == len(errors):
                # What one server refuses, and what another one does.
                raise BrokerRefused(refusals[0].message, frozenset().union(*(error.names for error in refusals)))
            for error in errors:
                if error not in refusals:
                    raise error
        except BrokerUnavailable:
            for feed, some in begun:
                feed.end(some)
            raise

    def refuse(self, error: ResponseError, link: RedisLink, channel: str) -> BrokerUnavailable:
        """Return the error to raise for an error that a server has answered with, and log it."""
        found = refused(error, label_of(link))
        self._note(kind_of(error), channel, found)
        return found

    def read(self, read: Callable[[Any], Result], answer: Any, channel: str) -> Result:
        """Read the answer of a script, into which another program may have put something strange.

        Raises:
            BrokerUnavailable: it cannot be read, which is logged.
        """
        try:
            return read(answer)
        except (TypeError, ValueError, KeyError, InvalidResponse) as error:
            found = BrokerUnavailable(
                f"the Redis broker holds something that no broker of emmett wrote: {type(error).__name__}"
            )
        self._note("unreadable", channel, found)
        raise found

    def _note(self, kind: str, channel: str, error: BrokerUnavailable) -> None:
        """Log why a call failed, each kind once a minute: callers see no more than a 503."""
        if namespace_of(channel) == NAMESPACE:
            # A check: its caller gets the error.
            return
        log = self._logs.setdefault(kind, RareLog(logger))
        log.warn("channel %s, keys %s: %s", channel, self.names.key(channel, b"*").decode(), error.message)

    def unsubscribe(self, names: Collection[str]) -> None:
        """See `Broker.unsubscribe`."""
        wanted: dict[RedisFeed, list[str]] = {}
        for name in names:
            for feed in self.feeds_of(name):
                wanted.setdefault(feed, []).append(name)
        for feed, some in wanted.items():
            feed.end(some)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._timeout / TICKS)
            for link in list(self.links()):
                # What a link cannot send now it will say itself.
                with contextlib.suppress(BrokerUnavailable):
                    link.tick()
            self.look()


def label_of(link: RedisLink) -> str:
    """Return what the server of a link is called in errors."""
    return "" if link.address is None else link.address.label
