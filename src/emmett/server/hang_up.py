"""The operating system's view of a peer, for connections that are not read and for peers that send nothing."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket

# Only Linux reports a FIN that follows unread bytes. Elsewhere such a peer is detected by a write.
_POLLRDHUP: int | None = getattr(select, "POLLRDHUP", None)
# RFC 5482, in milliseconds; available on Linux.
_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


def has_hung_up(transport: asyncio.BaseTransport) -> bool:
    """Return whether the peer of an open transport has closed the connection or its half of it, or reset it."""
    connection = transport.get_extra_info("socket")
    if connection is None:
        # A transport in memory answers this itself.
        return bool(transport.get_extra_info("hung_up"))
    if _POLLRDHUP is None:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), _POLLRDHUP)
    return bool(poll.poll(0))


def limit_unacknowledged(transport: asyncio.BaseTransport, seconds: float) -> None:
    """Make the system break the connection off if sent bytes stay unacknowledged for some time.

    This detects a vanished peer even if nothing is read from it. Systems without this option ignore the call.

    Arguments:
        transport: an open transport.
        seconds: rounded to milliseconds.
    """
    connection = transport.get_extra_info("socket")
    if _USER_TIMEOUT is None or connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    # The peer may be gone already.
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, max(round(seconds * 1000), 1))
