"""What an ASGI server calls: one function for all three kinds of connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..dispatch import RouteTable
from .http import serve_http
from .lifespan import serve_lifespan
from .types import ASGIReceive, ASGIScope, ASGISend
from .websocket import serve_websocket


async def serve_asgi(
    table: RouteTable,
    startup: Callable[[], Awaitable[None]],
    shutdown: Callable[[], Awaitable[None]],
    scope: ASGIScope,
    receive: ASGIReceive,
    send: ASGISend,
) -> None:
    """Serve one ASGI connection.

    Arguments:
        table: the routes of the application.
        startup, shutdown: what a lifespan runs.
        scope, receive, send: as ASGI 3 gives them.

    Raises:
        NotImplementedError: the scope is of a type that ASGI 3 does not have; a server takes this as "not supported".
    """
    kind = scope["type"]
    if kind == "http":
        await serve_http(table, scope, receive, send)
    elif kind == "websocket":
        await serve_websocket(table, scope, receive, send)
    elif kind == "lifespan":
        await serve_lifespan(startup, shutdown, receive, send)
    else:
        raise NotImplementedError(f"ASGI scope type {kind!r}; supported are http, websocket and lifespan")
