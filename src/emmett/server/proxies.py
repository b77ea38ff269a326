"""The client of a request: the peer of the connection, or the client that trusted proxies report."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from ..wire.forwarded import TrustedProxies, find_visitor


class ClientAddress(NamedTuple):
    """The client and scheme of a request.

    Attributes:
        client: address and port; None if unknown, as on a unix socket.
        scheme: `http` or `https`.
    """

    client: tuple[str, int] | None
    scheme: str


def address_of(transport: asyncio.Transport) -> ClientAddress:
    """Return the client and scheme of a new connection.

    The transport knows its peer. Asking the socket takes a new object and three system calls.
    """
    peer = transport.get_extra_info("peername")
    # The address of IPv6 has four parts, and that of a unix socket is a str.
    client = (str(peer[0]), int(peer[1])) if isinstance(peer, (tuple, list)) and len(peer) >= 2 else None
    return ClientAddress(client, "https" if transport.get_extra_info("sslcontext") else "http")


def is_unix_socket(transport: asyncio.Transport) -> bool:
    """Return whether a connection was made to a unix socket."""
    listener = transport.get_extra_info("socket")
    # The address of a unix socket is its path; that of an abstract one, which Linux has, is bytes.
    address = transport.get_extra_info("sockname") if listener is None else listener.getsockname()
    return isinstance(address, (str, bytes))


def find_client(
    trusted: TrustedProxies, own: ClientAddress, is_unix: bool, headers: list[tuple[bytes, bytes]]
) -> ClientAddress:
    """Return the client and scheme that trusted proxies report. The Host field is replaced by the host they report.

    Arguments:
        trusted: the trusted proxies.
        own: the client and scheme of the connection itself.
        is_unix: whether the connection was made to a unix socket.
        headers: the fields of the request, whose head is complete and checked.
    """
    # A TCP peer that has just gone has no address either, but must not be trusted for that.
    if own.client is None and not is_unix:
        return own
    visitor = find_visitor(own.client, own.scheme, headers, trusted)
    if visitor is None:
        return own
    if visitor.host is not None:
        headers[:] = [field for field in headers if field[0] != b"host"]
        headers.append((b"host", visitor.host.encode("latin-1")))
    return ClientAddress(visitor.client, visitor.scheme)
