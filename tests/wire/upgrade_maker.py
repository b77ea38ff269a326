"""Upgrade requests for tests: a valid one, with some fields changed."""

from __future__ import annotations

from collections.abc import Iterable

from emmett.wire.handshake import Upgrade, check_upgrade

RawHeaders = list[tuple[bytes, bytes]]

# The example of RFC 6455, section 1.3.
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

GOOD = {
    b"host": b"server.example.com",
    b"upgrade": b"websocket",
    b"connection": b"Upgrade",
    b"sec-websocket-key": KEY,
    b"sec-websocket-version": b"13",
}


def headers_with(
    changes: dict[bytes, bytes | None] | None = None, more: Iterable[tuple[bytes, bytes]] = ()
) -> RawHeaders:
    """Return the header fields of a valid request, some of them changed.

    Arguments:
        changes: values by name; `None` leaves the field out.
        more: additional fields at the end, which may repeat names.
    """
    changed = {**GOOD, **(changes or {})}
    return [(name, value) for name, value in changed.items() if value is not None] + list(more)


def upgrade_with(changes: dict[bytes, bytes | None] | None = None, more: Iterable[tuple[bytes, bytes]] = ()) -> Upgrade:
    """Return the result of `check_upgrade` for such a request."""
    return check_upgrade(b"GET", "1.1", headers_with(changes, more))
