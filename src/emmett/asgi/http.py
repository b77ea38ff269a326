"""Requests over ASGI (HTTP 2.x of its specification)."""

from __future__ import annotations

import asyncio
import contextlib

from ..datastructures import Headers
from ..dispatch import RouteTable, serve_request
from ..dispatch.observed import tell_request_ended
from ..http.request import Request
from ..http.response import Response
from .departure import Departure
from .incoming import Incoming
from .types import ASGIReceive, ASGIScope, ASGISend


async def serve_http(table: RouteTable, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
    """Serve one request.

    Arguments:
        table: the routes of the application.
        scope, receive, send: the arguments of ASGI 3.
    """
    incoming = Incoming(receive)
    departure = Departure(incoming.wait_gone)
    request = Request(
        method=scope["method"],
        scheme=scope.get("scheme", "http"),
        path=path_of(scope),
        raw_path=scope.get("raw_path") or scope["path"].encode(),
        query_string=scope.get("query_string", b""),
        headers=Headers(scope["headers"]),
        client=client_of(scope),
        read=incoming.read,
        http_version=scope.get("http_version", "1.1"),
        settings=table.config.http,
        wait_gone=departure.wait_gone,
    )
    # Servers report in this way that the peer has left.
    outgoing = Outgoing(incoming, send)
    began = asyncio.get_running_loop().time()
    try:
        with contextlib.suppress(OSError):
            await departure.serve(request, serve_request(table, request, outgoing))
    except Exception as error:
        request.failure = error
        raise
    finally:
        if table.observers.request_ended:
            seconds = asyncio.get_running_loop().time() - began
            tell_request_ended(table.observers, request, outgoing.status, outgoing.is_complete, seconds)


class Outgoing:
    """Sends a response through an ASGI server: the carrier of `serve_request`.

    Arguments:
        incoming: reports when the peer has left.
        send: the `send` of ASGI 3.

    Attributes:
        status: the status of the response, once it has begun.
        is_complete: whether the whole response was sent.
    """

    __slots__ = ("_incoming", "_send", "is_complete", "status")

    def __init__(self, incoming: Incoming, send: ASGISend) -> None:
        self._incoming = incoming
        self._send = send
        self.status: int | None = None
        self.is_complete = False

    async def send_whole(self, response: Response, body: bytes) -> None:
        await self._start(response)
        await self._send({"type": "http.response.body", "body": body})
        self.is_complete = True

    async def send_stream(self, response: Response) -> None:
        """Send a streamed body. End it when the peer leaves, which `send` does not report on most servers."""
        await self._start(response)
        sending = asyncio.ensure_future(self._send_chunks(response))
        watching = asyncio.ensure_future(self._incoming.wait_gone())
        try:
            await asyncio.wait((sending, watching), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            watching.cancel()
            await asyncio.wait((sending, watching))
        for task in (sending, watching):
            if not task.cancelled():
                task.result()

    async def _start(self, response: Response) -> None:
        headers = response.raw_headers()
        self.status = response.status
        await self._send({"type": "http.response.start", "status": response.status, "headers": headers})

    async def _send_chunks(self, response: Response) -> None:
        try:
            async for chunk in response.chunks():
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            await self._send({"type": "http.response.body", "body": b""})
            self.is_complete = True
        finally:
            # In the task that ran the stream.
            await response.aclose()


def client_of(scope: ASGIScope) -> tuple[str, int] | None:
    """Return the address and port of the peer. Some servers pass the port as text."""
    client = scope.get("client")
    return None if client is None else (client[0], int(client[1]))


def path_of(scope: ASGIScope) -> str:
    """Return the path below the point at which this application is mounted."""
    path: str = scope["path"]
    root = scope.get("root_path", "").rstrip("/")
    return path[len(root) :] or "/" if root and (path == root or path.startswith(root + "/")) else path
