"""Redis Cluster: find the node for each slot, even after nodes have gone and slots have moved.

A cluster forwards publications to all of its nodes, so any of them can be subscribed to. Sharded pub/sub would spare
the nodes this work, but it has no patterns, and its subscriptions end whenever a slot moves.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, ResponseError, TryAgainError

from ....errors import BrokerRefused, BrokerUnavailable
from ..liveness import TICKS
from ..port import Listener
from ..trial import NAMESPACE
from .address import RedisAddress
from .calls import CallLink
from .feed import RedisFeed
from .format import RedisNames
from .link import RedisLink
from .refusals import describe, is_final
from .scripts import Script
from .servers import Servers

# Seconds before trying again while a slot is migrating, or has no node.
PAUSE = 0.05
# Ticks after which the slot map is requested again, even if nothing suggests that it is outdated.
LOOK_EVERY = 4 * TICKS
# Channels to try when looking for one on each node; a node with very few slots may have none of them.
MAX_TRIAL_CHANNELS = 4 * REDIS_CLUSTER_HASH_SLOTS


class Cluster(Servers):
    """The nodes of a cluster. A channel is on the node with the slot of its keys.

    Arguments:
        seeds: nodes to ask for the others.
    """

    def __init__(
        self, seeds: Sequence[RedisAddress], listener: Listener, names: RedisNames, timeout: float, name: str
    ) -> None:
        super().__init__(listener, names, timeout, name)
        self._seeds = seeds
        self._slots: list[RedisAddress | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        # By label: the nodes with slots, and a link to each node that was needed.
        self._primaries: dict[str, RedisAddress] = {}
        self._links: dict[str, CallLink] = {}
        self._nodes: dict[str, RedisAddress] = {}
        self._feed = RedisFeed(self._pick, timeout, name, listener, names, self._prepare)
        self._untried: list[RedisAddress] = []
        self._refreshing: asyncio.Task[None] | None = None
        self._ticks = 0
        self._is_stopped = False

    def links(self) -> Iterable[RedisLink]:
        return [*self._links.values(), self._feed]

    def callers(self) -> Sequence[CallLink]:
        return [self._link(address) for address in self._primaries.values()]

    def feeds_of(self, name: str) -> Sequence[RedisFeed]:
        return [self._feed]

    def trial_channels(self) -> Iterable[str]:
        missing = set(self._primaries)
        for number in range(MAX_TRIAL_CHANNELS):
            channel = f"{NAMESPACE}:{number}"
            owner = self._slots[key_slot(self.names.key(channel, b""))]
            if owner is not None and owner.label in missing:
                missing.remove(owner.label)
                yield channel
            if not missing:
                return

    async def connect(self) -> None:
        await self._refresh()
        self._feed.start()
        await self._feed.connected()

    async def stop(self) -> None:
        self._is_stopped = True
        refreshing, self._refreshing = self._refreshing, None
        if refreshing is not None:
            refreshing.cancel()
            await asyncio.wait([refreshing])
        await super().stop()

    async def ask(self, channel: str, *command: Any) -> Any:
        return await self._route(channel, lambda link, _: link.ask(*command))

    async def run(self, script: Script, channel: str, keys: Sequence[bytes], arguments: Sequence[Any]) -> Any:
        return await self._route(channel, lambda link, is_asking: link.run(script, keys, arguments, is_asking))

    def look(self) -> None:
        self._ticks += 1
        if self._ticks % LOOK_EVERY == 0 or any(not link.is_up for link in self._links.values()):
            self._refresh_soon()

    async def _route(self, channel: str, send: Callable[[CallLink, bool], Awaitable[Any]]) -> Any:
        loop = asyncio.get_running_loop()
        slot, end = key_slot(self.names.key(channel, b"")), loop.time() + self._timeout
        link, is_asking = self._owner(slot), False
        if link.away is not None:
            # Nothing was sent yet, and another node may now have the slot.
            self._refresh_soon()
            if self._refreshing is not None:
                await asyncio.wait([self._refreshing])
            link = self._owner(slot)
        while True:
            try:
                return await send(link, is_asking)
            except MovedError as error:
                owner = self._slots[slot] = self._seeds[0].move(error.host, error.port)
                link, is_asking = self._link(owner), False
                self._refresh_soon()
                failed: ResponseError = error
            except AskError as error:
                link, is_asking = self._link(self._seeds[0].move(error.host, error.port)), True
                failed = error
            except (TryAgainError, ClusterDownError) as error:
                self._refresh_soon()
                await asyncio.sleep(PAUSE)
                link, is_asking = self._owner(slot), False
                failed = error
            except ResponseError as error:
                raise self.refuse(error, link, channel) from None
            except BrokerUnavailable:
                self._refresh_soon()
                raise
            if loop.time() >= end:
                raise self.refuse(failed, link, channel)

    def _owner(self, slot: int) -> CallLink:
        owner = self._slots[slot]
        if owner is None:
            self._refresh_soon()
            raise BrokerUnavailable(f"the Redis cluster does not answer: it has no node for slot {slot}")
        return self._link(owner)

    def _link(self, address: RedisAddress) -> CallLink:
        if self._is_stopped:
            raise BrokerUnavailable("the Redis cluster does not answer: it was stopped")
        link = self._links.get(address.label)
        if link is None:
            link = self._links[address.label] = CallLink(functools.partial(_same, address), self._timeout, self._name)
            link.start()
        return link

    async def _pick(self) -> RedisAddress:
        """Return a node to subscribe at: each in turn, in an order that differs from process to process."""
        if not self._untried:
            self._untried = list((self._nodes or {seed.label: seed for seed in self._seeds}).values())
            random.shuffle(self._untried)
        return self._untried.pop()

    async def _prepare(self) -> None:
        """Reconnect to the nodes with slots, as far as they are available."""
        await self._refresh()
        links = [asyncio.ensure_future(link.connected()) for link in self.callers()]
        # The other nodes have their connections, or do not answer in half of the available time.
        await asyncio.wait(links, timeout=self._timeout / 2)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    def _refresh_soon(self) -> None:
        if self._refreshing is None and not self._is_stopped:
            self._refreshing = asyncio.create_task(self._refresh_once())

    async def _refresh_once(self) -> None:
        # Calls for a channel raise the error.
        with contextlib.suppress(BrokerUnavailable):
            await self._refresh()
        # Many callers may notice an outdated map at once.
        await asyncio.sleep(PAUSE)
        self._refreshing = None

    async def _refresh(self) -> None:
        """Request the slot map: first from the connected nodes, then from all known ones."""
        for link in [link for link in self._links.values() if link.is_up]:
            with contextlib.suppress(BrokerUnavailable, ResponseError):
                return await self._take_map(link, await link.ask("CLUSTER", "SLOTS"))
        known = {address.label: address for address in (*self._nodes.values(), *self._seeds)}
        asked = {asyncio.ensure_future(self._ask_map(self._link(address))) for address in known.values()}
        failed: list[Exception] = []
        try:
            for answer in asyncio.as_completed(asked):
                try:
                    return await self._take_map(*await answer)
                except (BrokerUnavailable, ResponseError) as error:
                    failed.append(error)
        finally:
            for task in asked:
                task.cancel()
            await asyncio.wait(asked)
            for task in asked:
                if not task.cancelled():
                    task.exception()
        kind = BrokerRefused if failed and all(map(is_final, failed)) else BrokerUnavailable
        raise kind(f"no node of the Redis cluster returns the map of slots: {describe(failed[-1])}")

    async def _ask_map(self, link: CallLink) -> tuple[CallLink, Any]:
        return link, await link.ask("CLUSTER", "SLOTS")

    async def _take_map(self, link: CallLink, answer: Any) -> None:
        asked = link.address or self._seeds[0]
        slots: list[RedisAddress | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        primaries: dict[str, RedisAddress] = {}
        nodes: dict[str, RedisAddress] = {}
        try:
            for first, last, *holders in answer:
                # The first one is the primary. A node that does not know its own name is at the address asked.
                known = [asked.move(holder[0].decode() if holder[0] else "", holder[1]) for holder in holders]
                slots[first : last + 1] = [known[0]] * (last + 1 - first)
                primaries[known[0].label] = known[0]
                nodes.update((address.label, address) for address in known)
        except (TypeError, ValueError, IndexError, AttributeError):
            raise BrokerUnavailable(f"{asked.label} returned an unreadable slot map") from None
        if not primaries or len(slots) != REDIS_CLUSTER_HASH_SLOTS:
            raise BrokerUnavailable(f"{asked.label} has no slots: is it part of a cluster?")
        self._slots, self._primaries, self._nodes = slots, primaries, nodes
        self._untried.clear()
        here = self._feed.address
        if self._feed.is_up and here is not None and here.label not in nodes:
            self._feed.drop("this node has left the cluster")
        gone = [self._links.pop(label) for label in list(self._links) if label not in primaries]
        await asyncio.gather(*(link.stop() for link in gone))


async def _same(address: RedisAddress) -> RedisAddress:
    return address
