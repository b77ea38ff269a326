"""One request, from its arrival to the release of all it held; the same whatever carries it."""

from __future__ import annotations

from typing import Protocol

from ..http.request import Request
from ..http.response import Response
from ..observers import RequestEnded
from .requests import run_request
from .routes import RouteTable


class Carrier(Protocol):
    """What brings the response of one request to its peer.

    Raises:
        OSError: the peer has gone.
    """

    async def send_whole(self, response: Response, body: bytes) -> None:
        """Send a response at once.

        Arguments:
            response: its status and its fields count.
            body: the content; empty for HEAD.
        """

    async def send_stream(self, response: Response) -> None:
        """Send a response whose content comes in chunks."""


async def serve_request(table: RouteTable, request: Request, carrier: Carrier) -> None:
    """Run a request, send what came of it, and let go of what the two of them held.

    Arguments:
        table: the routes of the application.
        request: the request.
        carrier: takes the response.

    Raises:
        Exception: what the carrier raised, and what the source of a streamed response did.
        ValueError: for a cookie that got something forbidden past all checks.
    """
    try:
        response = await run_request(table, request)
        try:
            if request.method == "HEAD":
                await carrier.send_whole(response, b"")
            elif isinstance(body := response.body, bytes):
                await carrier.send_whole(response, body)
            else:
                await carrier.send_stream(response)
        finally:
            await response.aclose()
    finally:
        await request.aclose()


def describe_end(request: Request, status: int | None, complete: bool, seconds: float) -> RequestEnded:
    """Return what observers learn of a request that has ended.

    Arguments:
        request: the request.
        status: that of its response; `None` when there was none.
        complete: whether the whole response was sent.
        seconds: how long it took.
    """
    return RequestEnded(
        request.method,
        request.path,
        request.query_string.decode("latin-1"),
        request.http_version,
        request.client,
        request.route,
        status,
        complete,
        seconds,
    )
