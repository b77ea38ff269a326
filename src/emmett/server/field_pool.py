"""Header fields that many handshakes share, stored once for all the websockets of the process."""

from __future__ import annotations

from functools import lru_cache

from ..wire.fields import RawHeaders

# No secrets, and no values that differ for each visitor.
COMMON = frozenset(
    (
        *(b"host", b"origin", b"upgrade", b"connection", b"user-agent", b"accept", b"accept-encoding"),
        *(b"accept-language", b"cache-control", b"pragma", b"sec-websocket-version", b"sec-websocket-extensions"),
        *(b"sec-websocket-protocol", b"sec-fetch-dest", b"sec-fetch-mode", b"sec-fetch-site"),
    )
)
# With longer values a few visitors could use up the memory that the pool saves.
_LONGEST = 256
SIZE = 512


@lru_cache(SIZE)
def _pooled(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return name, value


def pooled(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """Return equal header fields in the same order, shared with other connections where possible.

    A websocket keeps its fields as long as it exists.

    Arguments:
        headers: pairs of lower-case name and value.
    """
    return [
        _pooled(name, value) if name in COMMON and len(value) <= _LONGEST else (name, value) for name, value in headers
    ]
