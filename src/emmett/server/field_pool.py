"""Header fields that many handshakes have in common, kept once for all the websockets of the process."""

from __future__ import annotations

from functools import lru_cache

from ..wire.fields import RawHeaders

# Nothing that is secret, or another one for each visitor.
_COMMON = frozenset(
    (
        *(b"host", b"origin", b"upgrade", b"connection", b"user-agent", b"accept", b"accept-encoding"),
        *(b"accept-language", b"cache-control", b"pragma", b"sec-websocket-version", b"sec-websocket-extensions"),
        *(b"sec-websocket-protocol", b"sec-fetch-dest", b"sec-fetch-mode", b"sec-fetch-site"),
    )
)
# What is longer would let a few visitors take the memory that the pool is to save.
_LONGEST = 256
SIZE = 512


@lru_cache(SIZE)
def _pooled(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return name, value


def pooled(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """Return equal header fields, in the same order, that other connections have too where that can be.

    A websocket keeps its fields for as long as it lives.

    Arguments:
        headers: pairs of lower-case name and value.
    """
    return [
        _pooled(name, value) if name in _COMMON and len(value) <= _LONGEST else (name, value) for name, value in headers
    ]
