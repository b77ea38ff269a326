"""Presence: the members of this process, kept alive at the broker, and the events of all processes."""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import random
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from ..errors import BrokerUnavailable
from .brokers.port import Broker
from .encoding import decode_info, member_data
from .envelope import pack
from .namespaces import Namespace, Namespaces
from .publication import Kind
from .tasks import Pool, Tasks

# Channels whose members are refreshed concurrently.
MAX_CONCURRENT = 16
# Connections that left while the broker was away and are removed later. Any more expire at the broker.
MAX_FAREWELLS = 10_000
# Seconds to remove members from the broker when the process stops.
MAX_FAREWELL = 5.0

logger = logging.getLogger("emmett.channels")


class Member(NamedTuple):
    """A member of a channel.

    Fields:
        info: the value passed to `subscribe`, by the latest connection.
        connections: the number of connections of this member, on all nodes.
    """

    info: Any
    connections: int


class LocalRoom:
    """The connections of this process in one channel.

    Arguments:
        namespace: the namespace of the channel.
        kept_at: when the broker last got them, in the loop's seconds.
    """

    __slots__ = ("connections", "kept_at", "namespace")

    def __init__(self, namespace: Namespace, kept_at: float) -> None:
        self.namespace = namespace
        # The member and its info, by connection.
        self.connections: dict[str, tuple[str, bytes]] = {}
        self.kept_at = kept_at


class Presence:
    """The members of this process.

    Arguments:
        broker: the broker, which knows the members of all processes.
        namespaces: the options of the channels.
        tasks: keeps the tasks.
        sleep: waits for a number of seconds.
        clock: returns the time in seconds.
    """

    def __init__(
        self,
        broker: Broker,
        namespaces: Namespaces,
        tasks: Tasks,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._broker = broker
        self._namespaces = namespaces
        self._tasks = tasks
        self._sleep = sleep
        self._clock = clock or asyncio.get_running_loop().time
        self._pool = Pool(tasks, MAX_CONCURRENT)
        self._node = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._rooms: dict[str, LocalRoom] = {}
        # The channel that a connection could not leave because the broker was away, by connection.
        self._farewells: dict[str, str] = {}

    def __len__(self) -> int:
        """Return the number of channels with members of this process."""
        return len(self._rooms)

    async def join(self, channel: str, member: str, info: bytes) -> str:
        """Add a member to a channel; return the name of the connection, for `leave`.

        Raises:
            BrokerUnavailable: the broker does not answer; the member does not stay in the channel.
        """
        connection = f"{self._node}-{next(self._numbers)}"
        namespace = self._namespaces.of(channel)
        room = self._rooms.get(channel)
        if room is None:
            room = self._rooms[channel] = LocalRoom(namespace, self._clock())
        room.connections[connection] = (member, info)
        try:
            await self._announce_join(channel, connection, member, info, namespace)
        except BaseException:
            # The join may have succeeded and only the answer been lost.
            self._tasks.spawn(self.leave(channel, connection))
            raise
        return connection

    async def leave(self, channel: str, connection: str) -> None:
        """Remove a connection. If the broker is away, try again when it is back."""
        room = self._rooms.get(channel)
        _, info = room.connections.pop(connection, ("", b"null")) if room else ("", b"null")
        if room is not None and not room.connections:
            del self._rooms[channel]
        try:
            member = await self._broker.leave(channel, connection)
            if member is not None:
                await self._announce(Kind.LEAVE, channel, member, info)
        except BrokerUnavailable as error:
            logger.info("a member could not leave %r, and leaves when the broker is back: %s", channel, error)
            if len(self._farewells) < MAX_FAREWELLS:
                self._farewells[connection] = channel

    async def present(self, channel: str) -> dict[str, Member]:
        """Return the members present in a channel, on all nodes.

        Raises:
            BrokerUnavailable: the broker does not answer.
        """
        present = await self._broker.present(channel)
        return {member: Member(decode_info(info), count) for member, (info, count) in present.items()}

    async def run(self, namespace: Namespace) -> None:
        """Keep the members of a namespace alive for as long as this process lives."""
        while True:
            pause = namespace.presence_ttl / 3
            # Half of the interval before, half spread over the channels: the load on the broker is even.
            await self._sleep(pause / 2 * random.uniform(0.8, 1.2))
            await self.keep(namespace, pause / 2)

    async def keep(self, namespace: Namespace, seconds: float = 0.0) -> None:
        """Refresh the members of a namespace at the broker, spread over a number of seconds."""
        channels = [channel for channel, room in self._rooms.items() if room.namespace is namespace]
        batches = [channels[start : start + MAX_CONCURRENT] for start in range(0, len(channels), MAX_CONCURRENT)]
        for batch in batches:
            for channel in batch:
                self._pool.submit(functools.partial(self._keep, channel))
            await self._sleep(seconds / len(batches) * random.uniform(0.8, 1.0))

    def rejoin_all(self) -> None:
        """Send all joins and pending leaves to the broker again: it was away, and may have lost them."""
        farewells, self._farewells = self._farewells, {}
        for connection, channel in farewells.items():
            self._pool.submit(functools.partial(self.leave, channel, connection))
        for channel in self._rooms:
            self._pool.submit(functools.partial(self._rejoin, channel))

    async def stop(self) -> None:
        """Remove all members of this process, within a time limit."""
        self._pool.clear()
        left = [(channel, each) for channel, room in self._rooms.items() for each in room.connections]
        pool = Pool(self._tasks, MAX_CONCURRENT)
        done = asyncio.get_running_loop().create_future()
        remaining = len(left)

        async def leave(channel: str, connection: str) -> None:
            nonlocal remaining
            try:
                await self.leave(channel, connection)
            finally:
                remaining -= 1
                if not remaining and not done.done():
                    done.set_result(None)

        for channel, connection in left:
            pool.submit(functools.partial(leave, channel, connection))
        if left:
            await asyncio.wait((done,), timeout=MAX_FAREWELL)
        pool.clear()
        self._rooms.clear()

    async def _keep(self, channel: str) -> None:
        room = self._rooms.get(channel)
        if room is None:
            return
        ttl = room.namespace.presence_ttl
        if self._clock() - room.kept_at >= ttl:
            # They had expired, and others may have seen them leave.
            await self._rejoin(channel)
            return
        began = self._clock()
        try:
            gone = await self._broker.keep(channel, list(room.connections), ttl)
        except BrokerUnavailable as error:
            logger.info("the members of %r could not be refreshed: %s", channel, error)
            return
        room.kept_at = began
        await self._announce_departures(channel, gone)

    async def _rejoin(self, channel: str) -> None:
        room = self._rooms.get(channel)
        if room is None:
            return
        began = self._clock()
        try:
            for connection, (member, info) in list(room.connections.items()):
                await self._announce_join(channel, connection, member, info, room.namespace)
                if connection not in room.connections:
                    # It left during the rejoin.
                    await self.leave(channel, connection)
        except BrokerUnavailable as error:
            # They were not refreshed, so the next round tries again.
            logger.info("the members of %r could not rejoin: %s", channel, error)
            room.kept_at = began - room.namespace.presence_ttl
            return
        room.kept_at = began

    async def _announce_join(
        self, channel: str, connection: str, member: str, info: bytes, namespace: Namespace
    ) -> None:
        if await self._broker.join(channel, connection, member, info, namespace.presence_ttl):
            await self._announce(Kind.JOIN, channel, member, info)

    async def _announce_departures(self, channel: str, members: Iterable[str]) -> None:
        for member in members:
            try:
                await self._announce(Kind.LEAVE, channel, member, None)
            except BrokerUnavailable as error:
                logger.info("the leave of %r from %r could not be published: %s", member, channel, error)

    async def _announce(self, kind: Kind, channel: str, member: str, info: bytes | None) -> None:
        if self._namespaces.of(channel).join_leave:
            await self._broker.publish(channel, pack(member_data(member, info), kind), None)
