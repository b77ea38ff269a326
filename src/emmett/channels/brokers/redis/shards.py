"""One server, or several independent servers that share the channels."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import itertools
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from redis.exceptions import ResponseError

from ...names import is_pattern
from ..port import Entry, Listener
from ..trial import NAMESPACE
from .address import RedisAddress
from .calls import CallLink
from .feed import RedisFeed
from .format import RedisNames
from .link import RedisLink
from .scripts import Script
from .servers import Servers


class Shards(Servers):
    """Independent servers. A channel is on the one that scores highest for it (rendezvous hashing), in any URL order.

    When a server is added, only the channels that it takes over move. All processes must be given the same servers
    under the same names. Patterns are subscribed to on all servers.
    """

    caller_kind = CallLink

    def __init__(
        self, addresses: Sequence[RedisAddress], listener: Listener, names: RedisNames, timeout: float, name: str
    ) -> None:
        super().__init__(listener, names, timeout, name)
        self._addresses = addresses
        self._labels = [address.label.encode() for address in addresses]
        part = _ShardListener(listener, self)
        self._callers: list[CallLink] = []
        self.feeds: list[RedisFeed] = []
        for address in addresses:
            pick = functools.partial(self.pick, address)
            caller = self.caller_kind(pick, timeout, name)
            self._callers.append(caller)
            self.feeds.append(RedisFeed(pick, timeout, name, part, names, caller.connected))

    async def pick(self, address: RedisAddress) -> RedisAddress:
        """Return the server to connect to for an address: the address itself."""
        return address

    def links(self) -> Iterable[RedisLink]:
        return [*self._callers, *self.feeds]

    def callers(self) -> Sequence[CallLink]:
        return self._callers

    def feeds_of(self, name: str) -> Sequence[RedisFeed]:
        return self.feeds if is_pattern(name) else [self.feeds[self.place(name)]]

    def trial_channels(self) -> Iterable[str]:
        missing = set(range(len(self._labels)))
        for number in itertools.count():
            channel = f"{NAMESPACE}:{number}"
            if (place := self.place(channel)) in missing:
                missing.remove(place)
                yield channel
            if not missing:
                return

    def place(self, channel: str) -> int:
        """Return the number of the server that has a channel."""
        if len(self._labels) == 1:
            return 0
        encoded = channel.encode()
        scores = [hashlib.blake2b(encoded, digest_size=8, key=label[-64:]).digest() for label in self._labels]
        return scores.index(max(scores))

    async def connect(self) -> None:
        for link in self.links():
            link.start()
        await asyncio.gather(*(link.connected() for link in self.links()))

    async def ask(self, channel: str, *command: Any) -> Any:
        link = self._callers[self.place(channel)]
        try:
            return await link.ask(*command)
        except ResponseError as error:
            raise self.refuse(error, link, channel) from None

    async def run(self, script: Script, channel: str, keys: Sequence[bytes], arguments: Sequence[Any]) -> Any:
        link = self._callers[self.place(channel)]
        try:
            return await link.run(script, keys, arguments)
        except ResponseError as error:
            raise self.refuse(error, link, channel) from None


class _ShardListener:
    """Combines the reports of several feeds: a pattern that is lost on two servers is restored when both have it."""

    def __init__(self, listener: Listener, shards: Shards) -> None:
        self._listener = listener
        self._shards = shards

    def heard(self, subscribed: str, channel: str, entry: Entry) -> None:
        """See `Listener.heard`."""
        self._listener.heard(subscribed, channel, entry)

    def lost(self, subscribed: Collection[str] | None) -> None:
        """See `Listener.lost`."""
        self._listener.lost(subscribed)

    def restored(self, subscribed: Collection[str] | None) -> None:
        """See `Listener.restored`."""
        feeds = self._shards.feeds
        self._listener.restored([name for name in subscribed or () if not any(feed.misses(name) for feed in feeds)])
