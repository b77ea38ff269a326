"""The common part of the broker for all arrangements of servers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeVar

from redis.exceptions import InvalidResponse, ResponseError

from ....errors import BrokerRefused, BrokerUnavailable
from ....rare_log import RareLog
from ...names import namespace_of
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
    """One server, several, or a cluster; subclasses know which server has a channel.

    Arguments:
        listener: receives the publications.
        names: the names on the servers.
        timeout: seconds, as for `RedisLink`.
        name: the name of the connections in CLIENT LIST.
    """

    def __init__(self, listener: Listener, names: RedisNames, timeout: float, name: str) -> None:
        self.names = names
        self._listener = listener
        self._timeout = timeout
        self._name = name
        # By kind of error.
        self._logs: dict[str, RareLog] = {}
        self._keeper: asyncio.Task[None] | None = None

    # Implemented by subclasses.

    def links(self) -> Iterable[RedisLink]:
        """Return all current links."""
        raise NotImplementedError

    def feeds_of(self, name: str) -> Sequence[RedisFeed]:
        """Return the feeds on which to subscribe to a channel or a pattern."""
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
            BrokerUnavailable: connecting failed.
        """
        raise NotImplementedError

    async def ask(self, channel: str, *command: Any) -> Any:
        """Send a command to the server that has a channel.

        Raises:
            BrokerUnavailable: there was no answer, or the answer was an error.
        """
        raise NotImplementedError

    async def run(self, script: Script, channel: str, keys: Sequence[bytes], arguments: Sequence[Any]) -> Any:
        """Run a script on the server that has a channel.

        Raises:
            BrokerUnavailable: as `ask`.
        """
        raise NotImplementedError

    def look(self) -> None:
        """Check what concerns several links; called `TICKS` times per `timeout`."""

    # Common to all kinds of servers.

    async def start(self) -> None:
        """Connect, and stay connected.

        Raises:
            BrokerUnavailable: the servers cannot be reached; no resources remain in use.
        """
        self._keeper = asyncio.create_task(self._keep(), name=f"{self._name} keeper")
        try:
            await self.connect()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Release all resources."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
        await asyncio.gather(*(link.stop() for link in self.links()))

    async def check(self) -> None:
        """Check that all servers answer and accept writes.

        Raises:
            BrokerUnavailable: a server does not, or its publications are not heard.
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
            # PUBLISH is not a write, so a replica accepts it, but no subscriber at the primary would hear it.
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
                # The refused names of all servers.
                raise BrokerRefused(refusals[0].message, frozenset().union(*(error.names for error in refusals)))
            for error in errors:
                if error not in refusals:
                    raise error
        except BrokerUnavailable:
            for feed, some in begun:
                feed.end(some)
            raise

    def refuse(self, error: ResponseError, link: RedisLink, channel: str) -> BrokerUnavailable:
        """Return the error to raise for an error answer of a server, and log it."""
        found = refused(error, label_of(link))
        self._note(kind_of(error), channel, found)
        return found

    def read(self, read: Callable[[Any], Result], answer: Any, channel: str) -> Result:
        """Parse the answer of a script, to whose keys another program may have written.

        Raises:
            BrokerUnavailable: the answer cannot be parsed, which is logged.
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
        """Log why a call failed, each kind at most once a minute: users only see a 503."""
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
                # A link that cannot send now reports that itself.
                with contextlib.suppress(BrokerUnavailable):
                    link.tick()
            self.look()


def label_of(link: RedisLink) -> str:
    """Return the name of a link's server in errors."""
    return "" if link.address is None else link.address.label
