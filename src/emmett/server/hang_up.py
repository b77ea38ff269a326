"""Whether the peer has hung up, asked of the socket itself: for connections that are not being read."""

from __future__ import annotations

import asyncio
import select

# Linux alone tells of a FIN that has unread bytes before it. Elsewhere such a peer is found when something is written.
_POLLRDHUP: int | None = getattr(select, "POLLRDHUP", None)


def has_hung_up(transport: asyncio.BaseTransport) -> bool:
    """Tell whether the peer of an open transport has closed the connection or its half of it."""
    connection = transport.get_extra_info("socket")
    if connection is None:
        # A transport in memory tells itself.
        return bool(transport.get_extra_info("hung_up"))
    if _POLLRDHUP is None:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), _POLLRDHUP)
    return bool(poll.poll(0))
