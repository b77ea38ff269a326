"""Who is at the other end of a connection; for requests that come through proxies, the client behind them."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl

from ..wire.forwarded import TrustedProxies, find_visitor


class Ends(NamedTuple):
    """Who asks, and how.

    Attributes:
        client: address and port; None when they are not known, as on a unix socket.
        scheme: `http` or `https`.
    """

    client: tuple[str, int] | None
    scheme: str


def ends_of(transport: asyncio.Transport) -> Ends:
    """Return the ends of a connection as it is made."""
    return Ends(get_remote_addr(transport), "https" if is_ssl(transport) else "http")


def is_unix_socket(transport: asyncio.Transport) -> bool:
    """Tell whether a connection was made to a unix socket."""
    local = get_local_addr(transport)
    return local is not None and local[1] is None


def see_through(trusted: TrustedProxies, ends: Ends, is_unix: bool, headers: list[tuple[bytes, bytes]]) -> Ends:
    """Return what trusted proxies tell of a request: client and scheme. The Host field becomes what they tell.

    Arguments:
        trusted: the proxies whose word counts.
        ends: those of the connection.
        is_unix: whether it was made to a unix socket.
        headers: the fields of the request, its head complete and checked.
    """
    # The peer of a TCP connection that has just gone has no address either, and is nobody to trust for that.
    if ends.client is None and not is_unix:
        return ends
    visitor = find_visitor(ends.client, ends.scheme, headers, trusted)
    if visitor is None:
        return ends
    if visitor.host is not None:
        headers[:] = [field for field in headers if field[0] != b"host"]
        headers.append((b"host", visitor.host.encode("latin-1")))
    return Ends(visitor.client, visitor.scheme)
