"""How a publication of a channel with history looks in its stream, and on its way to who has subscribed.

A header field says where it stands: `Emmett-At: epoch:offset:size:ttl:life`. One message of the stream carries `size`
publications, of which the first has this offset: those that come while the one before is under way leave together. One
alone is the content as it is; of several each stands behind its length, in four bytes. With a size of 0 there is none:
such a mark only keeps, for a channel that nothing is published to, its epoch and the offset of its last publication.
Publications are given out for `ttl` milliseconds; the server keeps the message for `life` seconds. Both begin when it
stores it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ...publication import Position
from ..port import Entry
from .connection import find_field

FIELD = "Emmett-At"
# Publications in one message, and their bytes.
MAX_PACKED = 64
MAX_PACKED_BYTES = 32 * 1024

_FIELD = FIELD.encode()
_AT = re.compile(
    rb"([A-Za-z0-9_.-]{1,78}):(0|[1-9][0-9]{0,17}):(0|[1-9][0-9]{0,3}):([1-9][0-9]{0,14}):([1-9][0-9]{0,11})"
)
_SIZE = struct.Struct(">I")


class At(NamedTuple):
    """Where a message of the stream stands.

    Fields:
        epoch: the life of the history.
        offset: that of its first publication; of a mark, that of the last publication before it.
        size: publications in it.
        ttl: milliseconds for which they are given out.
        life: seconds for which the message is kept.
    """

    epoch: str
    offset: int
    size: int
    ttl: int
    life: int

    @property
    def top(self) -> int:
        """The offset of the last publication up to here."""
        return self.offset + self.size - 1 if self.size else self.offset

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}:{self.size}:{self.ttl}:{self.life}"


def read_at(headers: bytes) -> At | None:
    """Return where a message stands; None where it does not say so.

    Raises:
        ValueError: it says something strange.
    """
    value = find_field(headers, _FIELD)
    if value is None:
        return None
    match = _AT.fullmatch(value)
    if match is None or (match[2] == b"0" and match[3] != b"0"):
        raise ValueError(f"a publication at {value[:60]!r}")
    return At(match[1].decode(), *map(int, match.groups()[1:]))


def pack(payloads: Sequence[bytes]) -> bytes:
    """Return the content of a message."""
    if len(payloads) == 1:
        return payloads[0]
    return b"".join(part for payload in payloads for part in (_SIZE.pack(len(payload)), payload))


def payload_size(at: At, data: bytes) -> int:
    """Return the bytes of the publications of a message."""
    return len(data) if at.size == 1 else len(data) - _SIZE.size * at.size


def unpack(at: At, data: bytes) -> list[Entry]:
    """Return the publications of a message.

    Raises:
        ValueError: `pack` did not make it.
    """
    if at.size == 1:
        return [Entry(data, Position(at.epoch, at.offset))]
    entries: list[Entry] = []
    begin = 0
    while begin < len(data) and len(entries) < at.size:
        end = begin + 4
        if end <= len(data):
            end += _SIZE.unpack_from(data, begin)[0]
        if end > len(data):
            break
        entries.append(Entry(data[begin + 4 : end], Position(at.epoch, at.offset + len(entries))))
        begin = end
    if begin != len(data) or len(entries) != at.size:
        raise ValueError(f"a publication of {len(data)} bytes which is no {at.size} of them")
    return entries


def read_time(text: str) -> float:
    """Return a time of the server as seconds.

    Raises:
        ValueError: it is none.
    """
    return datetime.fromisoformat(text).timestamp()
