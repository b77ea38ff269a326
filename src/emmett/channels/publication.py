"""What travels through a channel, and where in its history it stands."""

from __future__ import annotations

import enum
from typing import NamedTuple, Self


class Kind(enum.Enum):
    """What a publication is."""

    MESSAGE = "message"
    # A member has come to the channel, or gone from it (see `presence`).
    JOIN = "join"
    LEAVE = "leave"
    # Publications of this channel were missed and cannot be had any more.
    GAP = "gap"


class Position(NamedTuple):
    """A place in the history of a channel: all up to it is known.

    Fields:
        epoch: names the life of the history: another one when the broker has lost it. Letters, digits, `-`, `_`, `.`.
        offset: number of the last publication that is known; 0 before the first.
    """

    epoch: str
    offset: int

    def __str__(self) -> str:
        """Return the text to hand to a client, which `parse` reads again."""
        return f"{self.epoch}:{self.offset}"

    def previous(self) -> Self:
        """Return the position before this one: where a subscriber is that has yet to get this publication."""
        return self._replace(offset=self.offset - 1)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str(position)` has written.

        Raises:
            ValueError: it is no position.
        """
        epoch, colon, digits = text.rpartition(":")
        # More digits than any offset has would only cost time.
        if not (colon and len(text) <= 100 and digits.isascii() and digits.isdigit() and len(digits) <= 19):
            raise ValueError(f"{text[:100]!r} is no position: expected what str(position) gave, such as 'k3x9:12'")
        if not epoch or not all(char.isascii() and (char.isalnum() or char in "-_.") for char in epoch):
            raise ValueError(f"{text!r} is no position: its epoch may hold letters, digits, '-', '_' and '.' only")
        return cls(epoch, int(digits))


class Publication(NamedTuple):
    """One thing that was published.

    Fields:
        channel: the channel.
        data: what was published: `str` or `bytes`, as it was. For a join or a leave the member, as JSON in `str`; empty
            for a gap.
        kind: a message unless told otherwise.
        position: where it stands in the history; None in a namespace without history, and for joins and leaves. For a
            gap, where the channel goes on.
    """

    channel: str
    data: str | bytes
    kind: Kind = Kind.MESSAGE
    position: Position | None = None
