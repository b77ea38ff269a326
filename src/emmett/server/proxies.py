"""Requests that come through proxies: the application sees the client behind them."""

from __future__ import annotations

from typing import Any

from ..wire.forwarded import TrustedProxies, find_visitor


def see_through(trusted: TrustedProxies, scope: Any) -> None:
    """Put into the scope of a request what trusted proxies tell: client, scheme, and the Host field.

    Arguments:
        trusted: the proxies whose word counts.
        scope: the ASGI scope of the request, its head complete and checked.
    """
    peer, server = scope["client"], scope["server"]
    # The peer of a TCP connection that has just gone has no address either, and is nobody to trust for that.
    if peer is None and (server is None or server[1] is not None):
        return
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    visitor = find_visitor(peer, scope["scheme"], headers, trusted)
    if visitor is None:
        return
    scope["client"], scope["scheme"] = visitor.client, visitor.scheme
    if visitor.host is not None:
        headers[:] = [field for field in headers if field[0] != b"host"]
        headers.append((b"host", visitor.host.encode("latin-1")))
