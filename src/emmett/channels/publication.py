"""Publications, and their positions in the history of a channel."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Self

import msgspec


class Kind(enum.Enum):
    """The kind of a publication."""

    MESSAGE = "message"
    # A member joined or left the channel (see `presence`).
    JOIN = "join"
    LEAVE = "leave"
    # Publications of this channel were missed and cannot be recovered.
    GAP = "gap"


class Position(NamedTuple):
    """A place in the history of a channel.

    Fields:
        epoch: identifies one life of the history; it changes when the broker loses the history. Letters, digits, `-`,
            `_`, `.`.
        offset: the number of the last known publication; 0 before the first.
    """

    epoch: str
    offset: int

    def __str__(self) -> str:
        """Return the text to pass to a client, which `parse` reads."""
        return f"{self.epoch}:{self.offset}"

    def previous(self) -> Self:
        """Return the position just before: that of a subscriber that has yet to get this publication."""
        return self._replace(offset=self.offset - 1)

    def back(self, count: int) -> Self:
        """Return the position that a number of publications follow up to this one; the first if there are fewer."""
        return self._replace(offset=max(0, self.offset - count))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text of a position.

        Raises:
            ValueError: the text is not a position.
        """
        epoch, colon, digits = text.rpartition(":")
        # No offset has more digits, and reading them would only cost time.
        if not (colon and len(text) <= 100 and digits.isascii() and digits.isdigit() and len(digits) <= 19):
            raise ValueError(f"{text[:100]!r} is not a position: expected the text of one, such as 'k3x9:12'")
        if not epoch or not all(char.isascii() and (char.isalnum() or char in "-_.") for char in epoch):
            raise ValueError(f"{text!r} is not a position: an epoch may contain only letters, digits, '-', '_' and '.'")
        return cls(epoch, int(digits))


class Details(msgspec.Struct, omit_defaults=True, frozen=True):
    """What some publications carry beside their data.

    Attributes:
        info: information about the publisher, JSON; empty for none.
        tags: names and values that subscribers and their clients may filter by.
        exclude: the id of the subscriber that does not get the publication; empty for none.
    """

    info: msgspec.Raw = msgspec.Raw(b"")
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    exclude: str = ""


class Publication(NamedTuple):
    """A message, a join, a leave or a gap in a channel.

    Fields:
        channel: the channel.
        data: the published `str` or `bytes`. For a join or a leave, the member, as JSON in a `str`; empty for a gap.
        kind: the kind; a message by default.
        position: its position in the history; None in a namespace without history, and for joins and leaves. For a gap,
            the position after which the channel continues.
        details: the publisher and tags, where the publication has any.
    """

    channel: str
    data: str | bytes
    kind: Kind = Kind.MESSAGE
    position: Position | None = None
    details: Details | None = None

    def excludes(self, id: str) -> bool:
        """Return whether the subscriber with an id does not get it."""
        return self.details is not None and self.details.exclude == id


class CarriedPublication(Publication):
    """A publication that came with text fields, such as `traceparent`. It equals the same one without them.

    Attributes:
        carrier: the fields.
    """

    carrier: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def of(cls, publication: Publication, carrier: Mapping[str, str]) -> Self:
        """Return a publication with fields."""
        carried = cls(*publication)
        carried.carrier = carrier
        return carried
