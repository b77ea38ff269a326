"""The presence of members in channels, in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence

# How many channels each call checks for expiry, in rotation. It is more than the one channel that a call can add.
LOOKED_AT = 2
# Seconds after which expired connections are removed even if no call asks; their leaves are then not reported.
UNTOLD_KEPT = 3_600.0


class MemoryRoom:
    """The members of one channel."""

    __slots__ = ("connections", "members")

    def __init__(self) -> None:
        # The member of each connection, and until when it is present.
        self.connections: dict[str, tuple[str, float]] = {}
        # The info of each member, and its number of connections, including expired ones not yet removed.
        self.members: dict[str, tuple[bytes, int]] = {}

    def join(self, connection: str, member: str, info: bytes, until: float) -> bool:
        """Add a connection; return whether its member is new."""
        if connection in self.connections:
            others = self._count_others(connection, member)
        else:
            others = self.members.get(member, (b"", 0))[1]
        is_new = member not in self.members
        self.connections[connection] = (member, until)
        self.members[member] = (info, others + 1)
        return is_new

    def _count_others(self, connection: str, member: str) -> int:
        """Return how many other connections a member has; if this one belonged to another member, remove it there."""
        before, _ = self.connections[connection]
        if before != member:
            self.leave(connection)
            return self.members.get(member, (b"", 0))[1]
        return self.members[member][1] - 1

    def leave(self, connection: str) -> str | None:
        """Remove a connection; return its member if it was the last one."""
        if connection not in self.connections:
            return None
        member, _ = self.connections.pop(connection)
        info, count = self.members[member]
        if count > 1:
            self.members[member] = (info, count - 1)
            return None
        del self.members[member]
        return member

    def keep(self, connections: Collection[str], until: float, now: float) -> list[str]:
        """Renew connections, then remove expired ones; return the members that are gone as a result."""
        for connection in connections:
            if connection in self.connections:
                self.connections[connection] = (self.connections[connection][0], until)
        over = [connection for connection, (_, end) in self.connections.items() if end <= now]
        return [member for member in map(self.leave, over) if member is not None]

    def present(self, now: float) -> dict[str, tuple[bytes, int]]:
        """Return the members that have not expired, with info and number of connections."""
        found: dict[str, tuple[bytes, int]] = {}
        for member, until in self.connections.values():
            if until > now:
                found[member] = (self.members[member][0], found.get(member, (b"", 0))[1] + 1)
        return found


class MemoryRooms:
    """The members of all channels; the methods are described at `Broker`.

    Arguments:
        clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rooms: OrderedDict[str, MemoryRoom] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of channels with members."""
        return len(self._rooms)

    def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        """Add a connection; return whether its member is new."""
        now = self._clock()
        self._expire(now)
        room = self._rooms.get(channel)
        if room is None:
            room = self._rooms[channel] = MemoryRoom()
        return room.join(connection, member, info, now + ttl)

    def leave(self, channel: str, connection: str) -> str | None:
        """Remove a connection; return its member if it was the last one."""
        room = self._rooms.get(channel)
        if room is None:
            return None
        member = room.leave(connection)
        self._drop_empty(channel, room)
        return member

    def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        """Renew connections, and remove expired ones; return the members that are gone as a result."""
        now = self._clock()
        self._expire(now)
        room = self._rooms.get(channel)
        if room is None:
            return []
        members = room.keep(connections, now + ttl, now)
        self._drop_empty(channel, room)
        return members

    def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        """Return the members that are present."""
        room = self._rooms.get(channel)
        return {} if room is None else room.present(self._clock())

    def forget(self) -> None:
        """Lose everything, like a server that restarts without its data."""
        self._rooms.clear()

    def _expire(self, now: float) -> None:
        for _ in range(min(LOOKED_AT, len(self._rooms))):
            channel, room = self._rooms.popitem(last=False)
            if not _is_over(room, now):
                self._rooms[channel] = room

    def _drop_empty(self, channel: str, room: MemoryRoom) -> None:
        if not room.connections:
            del self._rooms[channel]


def _is_over(room: MemoryRoom, now: float) -> bool:
    return all(until + UNTOLD_KEPT <= now for _, until in room.connections.values())
