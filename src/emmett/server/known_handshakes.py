"""`KnownHandshakes`: upgrade requests that were valid, so that equal ones are neither parsed nor checked again."""

from __future__ import annotations

from typing import NamedTuple

from ..wire.fields import RawHeaders
from ..wire.handshake import Upgrade, is_key
from ..wire.request import is_origin_form
from .checked_head import field_size, split_head
from .field_pool import COMMON, pooled

# Handshakes that are remembered, and the bytes of the fields of one.
MAX_HANDSHAKES = 256
MAX_SIZE = 1024

_KEY_NAME = b"sec-websocket-key"
_KEY_SIZE = 24
# The end of the name of the key, in any usual spelling. A head in which it occurs earlier is never found.
_KEY_MARK = b"ey: "


class KnownHandshake(NamedTuple):
    """A valid handshake, without its key.

    Attributes:
        upgrade: the result of its checks.
        before: the fields before the key.
        after: those after it.
        size: the size of all fields in the head, in bytes.
    """

    upgrade: Upgrade
    before: list[tuple[bytes, bytes]]
    after: list[tuple[bytes, bytes]]
    size: int

    def headers(self, key: bytes) -> list[tuple[bytes, bytes]]:
        """Return the fields of the handshake with another key."""
        return [*self.before, (_KEY_NAME, key), *self.after]


class KnownHandshakes:
    """The heads of valid handshakes of a process.

    The clients of an application send handshakes that differ only in their target and their key. A head that equals a
    valid one in all other bytes is valid too, and a look-up takes a tenth of the instructions of parser and checks.
    Handshakes with fields that may be secret or differ for each visitor are neither compared nor kept.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        # By the bytes of the fields before and after the key.
        self._known: dict[tuple[bytes, bytes], KnownHandshake] = {}

    def find(self, data: bytes) -> tuple[KnownHandshake, bytes, bytes] | None:
        """Return the known handshake that a read consists of, its target and its key.

        Arguments:
            data: what was read. It must be one head and nothing else, with a path as its target.
        """
        target, fields = split_head(data)
        before, _, after = fields.partition(_KEY_MARK)
        known = self._known.get((before, after[_KEY_SIZE:]))
        if known is None or not is_origin_form(target):
            return None
        key = after[:_KEY_SIZE]
        return (known, target, key) if is_key(key) else None

    def add(self, data: bytes, headers: RawHeaders, upgrade: Upgrade) -> None:
        """Remember a valid handshake, unless it is large or personal, or the data is not its head alone.

        Arguments:
            data: the read in which it came.
            headers: its fields.
            upgrade: the result of its checks.
        """
        fields = pooled(headers)
        size = field_size(fields)
        names = [name for name, _ in fields]
        if size > MAX_SIZE or names.count(_KEY_NAME) != 1 or not COMMON.issuperset({*names} - {_KEY_NAME}):
            return
        raw = split_head(data, fields)[1]
        before, _, after = raw.partition(_KEY_MARK)
        place = names.index(_KEY_NAME)
        if not before.lower().endswith(b"\r\nsec-websocket-k") or after[:_KEY_SIZE] != fields[place][1]:
            return
        if len(self._known) >= MAX_HANDSHAKES:
            del self._known[next(iter(self._known))]
        self._known[before, after[_KEY_SIZE:]] = KnownHandshake(upgrade, fields[:place], fields[place + 1 :], size)
