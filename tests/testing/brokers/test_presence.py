"""The contract detects brokers that miscount members, or report them twice or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from emmett.channels.brokers.memory import MemoryBroker
from emmett.channels.brokers.memory_presence import MemoryRoom
from tests.testing.brokers.broken import Case, check_finds, parametrize


class AlwaysNew(MemoryBroker):
    """Reports every connection as a new member."""

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        await super().join(channel, connection, member, info, ttl)
        return True


class AlwaysLast(MemoryBroker):
    """Reports every connection as the last one."""

    async def leave(self, channel: str, connection: str) -> str | None:
        room = self.bus.rooms._rooms.get(channel, MemoryRoom())
        member = room.connections.get(connection, (None, 0.0))[0]
        await super().leave(channel, connection)
        return member


class Local(MemoryBroker):
    """Each node knows its own."""

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        return await super().join(f"{channel} {id(self)}", connection, member, info, ttl)

    async def leave(self, channel: str, connection: str) -> str | None:
        return await super().leave(f"{channel} {id(self)}", connection)

    async def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        return await super().present(f"{channel} {id(self)}")


class OneRoom(MemoryBroker):
    """Takes all channels for one."""

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        return await super().join("all", connection, member, info, ttl)

    async def leave(self, channel: str, connection: str) -> str | None:
        return await super().leave("all", connection)

    async def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        return await super().present("all")


class FirstInfo(MemoryBroker):
    """Keeps the first info of a member."""

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        here = await self.present(channel)
        return await super().join(channel, connection, member, here[member][0] if member in here else info, ttl)


class Counting(MemoryBroker):
    """Counts joins, not connections."""

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        room = self.bus.rooms._rooms.get(channel, MemoryRoom())
        names = [name for name in room.connections if name.split("#")[0] == connection]
        return await super().join(channel, connection + "#" * len(names), member, info, ttl)


class Insisting(MemoryBroker):
    """Does not remove members that have left."""

    async def leave(self, channel: str, connection: str) -> str | None:
        return await super().leave(channel, connection) or "nobody"


class Spaced(MemoryBroker):
    """Cuts names."""

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        return await super().join(channel, connection, member.strip(), info, ttl)


class Racing(MemoryBroker):
    """Looks first, and acts later."""

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        is_new = member not in await self.present(channel)
        await asyncio.sleep(0)
        await super().join(channel, connection, member, info, ttl)
        return is_new


class RacingAway(MemoryBroker):
    """Looks after all have acted."""

    async def leave(self, channel: str, connection: str) -> str | None:
        await super().leave(channel, connection)
        await asyncio.sleep(0)
        return None if "ada" in await self.present(channel) else "ada"


class Immortal(MemoryBroker):
    """Forgets nobody."""

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        return await super().join(channel, connection, member, info, 10**6)

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        return await super().keep(channel, connections, 10**6)


class Silent(MemoryBroker):
    """Removes members without reporting them."""

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        await super().keep(channel, connections, ttl)
        return []


class Repeating(MemoryBroker):
    """Reports expired members to each caller, and removes them only when they leave."""

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        room = self.bus.rooms._rooms.get(channel, MemoryRoom())
        return [member for member in room.members if member not in await self.present(channel)]


class Hurried(MemoryBroker):
    """Reports members as gone with the first expired connection."""

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        room = self.bus.rooms._rooms.get(channel, MemoryRoom())
        now = self.bus.rooms._clock()
        over = {member for member, until in room.connections.values() if until <= now}
        await super().keep(channel, connections, ttl)
        return list(over)


class Unkept(MemoryBroker):
    """Renews nothing."""

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        return await super().keep(channel, [], ttl)


class Reviving(MemoryBroker):
    """Restores members that were forgotten."""

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        gone = await super().keep(channel, connections, ttl)
        for connection in connections:
            await self.join(channel, connection, "ada", b"", ttl)
        return gone


class Showing(MemoryBroker):
    """Shows those whose time is over until they are forgotten."""

    async def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        return dict(self.bus.rooms._rooms.get(channel, MemoryRoom()).members)


CASES: list[Case] = [
    (AlwaysNew, ("test_first_and_last_connection", "test_a_member_on_two_nodes", "test_joining_again_renews")),
    (AlwaysLast, ("test_first_and_last_connection", "test_a_member_on_two_nodes", "test_joins_and_leaves_at_once")),
    (Local, ("test_a_member_on_two_nodes", "test_the_newest_info_counts")),
    (OneRoom, ("test_channels_are_apart", "test_who_is_not_there_leaves")),
    (FirstInfo, ("test_the_newest_info_counts", "test_joining_again_renews")),
    (Counting, ("test_joining_again_renews",)),
    (Insisting, ("test_who_is_not_there_leaves", "test_first_and_last_connection")),
    (Spaced, ("test_odd_members",)),
    (Racing, ("test_joins_and_leaves_at_once",)),
    (RacingAway, ("test_joins_and_leaves_at_once",)),
    (Immortal, ("test_expiry", "test_one_of_several_connections_expires", "test_a_whole_node_expires")),
    (Immortal, ("test_who_was_forgotten_is_not_brought_back",)),
    (Silent, ("test_expiry", "test_a_whole_node_expires", "test_who_was_forgotten_is_not_brought_back")),
    (Repeating, ("test_expiry",)),
    (Hurried, ("test_one_of_several_connections_expires", "test_who_comes_back_after_the_time_is_not_told_gone")),
    (Hurried, ("test_a_whole_node_expires",)),
    (Unkept, ("test_who_is_kept_stays",)),
    (Reviving, ("test_who_was_forgotten_is_not_brought_back",)),
    (Showing, ("test_expiry", "test_one_of_several_connections_expires")),
]


@parametrize(CASES)
def test_each_faulty_broker_is_detected(kind: type[MemoryBroker], test: str) -> None:
    check_finds(kind, test)
