"""Requests over ASGI (HTTP 2.x of its specification)."""

from __future__ import annotations

import asyncio

from ..datastructures import Headers
from ..dispatch import RouteTable, run_request
from ..http.body import Body
from ..http.request import Request
from ..http.response import Response
from .incoming import Incoming
from .types import ASGIReceive, ASGIScope, ASGISend


async def serve_http(table: RouteTable, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
    """Serve one request.

    Arguments:
        table: the routes of the application.
        scope, receive, send: as ASGI 3 gives them.
    """
    settings = table.config.http
    headers = Headers(scope["headers"])
    incoming = Incoming(receive)
    request = Request(
        method=scope["method"],
        scheme=scope.get("scheme", "http"),
        path=path_of(scope),
        raw_path=scope.get("raw_path") or scope["path"].encode(),
        query_string=scope.get("query_string", b""),
        headers=headers,
        client=client_of(scope),
        body=Body(
            incoming.read,
            max_size=settings.max_body_size,
            content_length=_content_length(headers),
            timeout=settings.body_timeout,
        ),
        http_version=scope.get("http_version", "1.1"),
        settings=settings,
    )
    try:
        await _respond(table, request, incoming, send)
    finally:
        await request.aclose()


async def _respond(table: RouteTable, request: Request, incoming: Incoming, send: ASGISend) -> None:
    response = await run_request(table, request)
    try:
        await send({"type": "http.response.start", "status": response.status, "headers": response.raw_headers()})
        if response.is_stream and request.method != "HEAD":
            await _stream(response, incoming, send)
        else:
            body = b"" if request.method == "HEAD" else response.body
            await send({"type": "http.response.body", "body": body})
    except OSError:
        # How ASGI servers say that the peer has gone.
        pass
    finally:
        await response.aclose()


def client_of(scope: ASGIScope) -> tuple[str, int] | None:
    """The address and port of the peer; there are servers that give the port as text."""
    client = scope.get("client")
    return None if client is None else (client[0], int(client[1]))


def path_of(scope: ASGIScope) -> str:
    """The path below the point at which this application is mounted."""
    path: str = scope["path"]
    root = scope.get("root_path", "").rstrip("/")
    return path[len(root) :] or "/" if root and (path == root or path.startswith(root + "/")) else path


def _content_length(headers: Headers) -> int | None:
    value = headers.get("content-length")
    # Twenty digits are more than any body has; what is longer is no number to trust, and costly to convert.
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 20 else None


async def _stream(response: Response, incoming: Incoming, send: ASGISend) -> None:
    """Send a streamed body; end it when the peer leaves, which `send` does not tell on most servers."""
    sending = asyncio.ensure_future(_send_chunks(response, send))
    watching = asyncio.ensure_future(incoming.wait_gone())
    try:
        await asyncio.wait((sending, watching), return_when=asyncio.FIRST_COMPLETED)
    finally:
        sending.cancel()
        watching.cancel()
        await asyncio.wait((sending, watching))
    for task in (sending, watching):
        if not task.cancelled():
            task.result()


async def _send_chunks(response: Response, send: ASGISend) -> None:
    try:
        async for chunk in response.chunks():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        # In the task that ran it.
        await response.aclose()
