"""The format of a publication with history, in its stream and on the way to subscribers.

A header field gives its position: `Emmett-At: epoch:offset:size:ttl:life`. One message of the stream carries `size`
publications, the first of which has this offset: publications that arrive while the previous message is under way leave
together. A single publication is the content as it is; of several, each follows its length in four bytes. A size of 0
means none: such a mark only preserves, for a channel without new publications, its epoch and the offset of its last
publication. Publications are served for `ttl` milliseconds; the server keeps the message for `life` seconds. Both
periods begin when the server stores the message.
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
# Publications per message, and their bytes.
MAX_PACKED = 64
MAX_PACKED_BYTES = 32 * 1024

_FIELD = FIELD.encode()
_AT = re.compile(
    rb"([A-Za-z0-9_.-]{1,78}):(0|[1-9][0-9]{0,17}):(0|[1-9][0-9]{0,3}):([1-9][0-9]{0,14}):([1-9][0-9]{0,11})"
)
_SIZE = struct.Struct(">I")


class At(NamedTuple):
    """The position of a message of the stream.

    Fields:
        epoch: the epoch of the history.
        offset: the offset of its first publication; of a mark, that of the last publication before it.
        size: the number of its publications.
        ttl: milliseconds for which they are served.
        life: seconds for which the message is kept.
    """

    epoch: str
    offset: int
    size: int
    ttl: int
    life: int

    @property
    def top(self) -> int:
        """The offset of the last publication up to this message."""
        return self.offset + self.size - 1 if self.size else self.offset

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}:{self.size}:{self.ttl}:{self.life}"


def read_at(headers: bytes) -> At | None:
    """Return the position of a message; None if it has none.

    Raises:
        ValueError: the header field is malformed.
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
    """Return the total bytes of the publications in a message."""
    return len(data) if at.size == 1 else len(data) - _SIZE.size * at.size


def unpack(at: At, data: bytes) -> list[Entry]:
    """Return the publications in a message.

    Raises:
        ValueError: `pack` did not make this message.
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
        raise ValueError(f"a message of {len(data)} bytes does not contain {at.size} publications")
    return entries


def read_time(text: str) -> float:
    """Convert a time of the server to seconds.

    Raises:
        ValueError: the text is not a time.
    """
    return datetime.fromisoformat(text).timestamp()
