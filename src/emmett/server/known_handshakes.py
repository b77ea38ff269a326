"""`KnownHandshakes`: upgrade requests that were valid, so that equal ones are not checked again."""

from __future__ import annotations

from ..wire.fields import RawHeaders
from ..wire.handshake import Upgrade, is_key
from .field_pool import COMMON, pooled

# Handshakes that are remembered, and the bytes of the fields of one.
MAX_HANDSHAKES = 256
MAX_SIZE = 1024

_KEY_NAME = b"sec-websocket-key"


class KnownHandshakes:
    """The fields of valid handshakes of a process.

    The clients of an application send handshakes that differ only in their key. A handshake that equals a valid one is
    valid too, and comparing takes a fifth of the instructions of the checks. Handshakes with fields that may be secret
    or differ for each visitor are neither compared nor kept.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[bytes, bytes], ...], Upgrade] = {}

    def find(self, headers: list[tuple[bytes, bytes]]) -> Upgrade | None:
        """Return the checked handshake if its fields, except for the key, are known and the key is valid.

        Arguments:
            headers: pairs of lower-case name and value of a GET request with HTTP/1.1.
        """
        fields, key = _without_key(headers)
        if key is None or not is_key(key):
            return None
        known = self._known.get(fields)
        return None if known is None else Upgrade(key, *known[1:])

    def add(self, headers: RawHeaders, upgrade: Upgrade) -> None:
        """Remember a valid handshake, unless it is large or personal.

        Arguments:
            headers: its fields.
            upgrade: the result of its checks.
        """
        fields, key = _without_key(pooled(headers))
        if key is None or sum(len(name) + len(value) for name, value in fields) > MAX_SIZE:
            return
        if len(self._known) >= MAX_HANDSHAKES:
            del self._known[next(iter(self._known))]
        self._known[fields] = upgrade


def _without_key(headers: RawHeaders) -> tuple[tuple[tuple[bytes, bytes], ...], bytes | None]:
    """Return the fields without the key, and the key; no key if there are several, or a field that may be personal."""
    key: bytes | None = None
    fields: list[tuple[bytes, bytes]] = []
    for field in headers:
        name = field[0]
        if name in COMMON:
            fields.append(field)
        elif name == _KEY_NAME and key is None:
            key = field[1]
        else:
            return (), None
    return tuple(fields), key
