"""The rooms: their channels, what was said in them, and who is there."""

from __future__ import annotations

from typing import Any, NamedTuple

from emmett import App, Channels
from emmett.channels import Position

from .messages import as_person

MAX_ROOM = 32  # characters of a name
MAX_LISTED = 20
SHOWN = 100  # messages that a newcomer gets
KEPT = 1000  # messages that one who comes back can have missed
DAY = 24 * 3600
ALWAYS_THERE = ("lobby", "tea", "music")
# The names of rooms that were opened are published, too: so all nodes know them.
OPENED = "rooms:opened"


class Listed(NamedTuple):
    """A room on the start page."""

    name: str
    people: int


def tidy_room(name: object) -> str:
    """Return the name of a room as it appears in its address, such as `tea-time`; empty when it is none."""
    if not isinstance(name, str):
        return ""
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()
    return "-".join(words)[:MAX_ROOM].strip("-")


class Rooms:
    """All rooms. Each is a channel: the broker keeps what was said, and knows who is there on all nodes."""

    def __init__(self, app: App) -> None:
        # The broker is the one that EMMETT_BROKER names; without it, the memory of this process.
        self.channels = Channels(app, prefix="chat")
        self.channels.namespace(
            "room",
            history=KEPT,
            history_ttl=DAY,
            presence=True,
            presence_ttl=15,
            join_leave=True,
            # A subscriber with more than that waiting is disconnected with 1013, and comes back for the rest.
            slow="disconnect",
            queue_messages=256,
            max_message_size=16 * 1024,
        )
        self.channels.namespace("rooms", history=MAX_LISTED, history_ttl=DAY)

    def channel(self, name: str) -> str:
        return f"room:{name}"

    async def start_of(self, channel: str) -> Position:
        """Return the position after which a new client begins."""
        past = await self.channels.history(channel, limit=SHOWN)
        first = past.publications[0].position if past.publications else None
        return past.top if first is None else Position(first.epoch, first.offset - 1)

    async def people(self, channel: str) -> list[dict[str, Any]]:
        """Return who is in a room, on all nodes."""
        present = await self.channels.presence(channel)
        return [as_person(name, member.info) for name, member in present.items()]

    async def note(self, name: str) -> None:
        """Let the start page list a room."""
        if name not in await self._names():
            await self.channels.publish(OPENED, name)

    async def listing(self) -> list[Listed]:
        """Return the rooms for the start page, those with most people first."""
        names = await self._names()
        listed = [Listed(name, len({each["id"] for each in await self.people(self.channel(name))})) for name in names]
        return sorted(listed, key=lambda room: -room.people)

    async def _names(self) -> list[str]:
        opened = (await self.channels.history(OPENED, limit=MAX_LISTED)).publications
        return list(dict.fromkeys([*ALWAYS_THERE, *(str(each.data) for each in reversed(opened))]))
