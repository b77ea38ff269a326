"""The function that an ASGI server calls for all three kinds of connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..dispatch import RouteTable
from ..dispatch.hosts import allowed_hosts, check_host
from ..dispatch.startup import apply_changes
from ..errors import RequestError
from ..urls import current_root_path
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
        startup, shutdown: the functions that a lifespan runs.
        scope, receive, send: the arguments of ASGI 3.

    Raises:
        NotImplementedError: ASGI 3 does not define this type of scope; a server takes this as "not supported".
    """
    kind = scope["type"]
    # Set for each connection: another application mounted in the same task may have set its own.
    current_root_path.set(scope.get("root_path", "").rstrip("/"))
    if kind in ("http", "websocket") and table.config.server.allowed_hosts is not None:
        refusal = _refusal(table, scope)
        if refusal is not None:
            await _refuse(table, scope, receive, send, refusal)
            return
    if kind != "lifespan":
        apply_changes(table.startup_changes)
    if kind == "http":
        await serve_http(table, scope, receive, send)
    elif kind == "websocket":
        await serve_websocket(table, scope, receive, send)
    elif kind == "lifespan":
        await serve_lifespan(startup, shutdown, receive, send)
    else:
        raise NotImplementedError(f"ASGI scope type {kind!r}; supported are http, websocket and lifespan")


def _refusal(table: RouteTable, scope: ASGIScope) -> RequestError | None:
    """Return why a request is refused before the application runs; `None` if it is not refused."""
    allowed = allowed_hosts(table.config.server)
    try:
        if allowed is not None:
            check_host(allowed, scope["headers"])
    except RequestError as error:
        return error.with_traceback(None)
    return None


async def _refuse(
    table: RouteTable, scope: ASGIScope, receive: ASGIReceive, send: ASGISend, error: RequestError
) -> None:
    if scope["type"] == "websocket":
        await serve_websocket(table, scope, receive, send, error)
        return
    body = error.message.encode()
    fields = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": error.status, "headers": fields})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
