"""One request, from its arrival to the release of its resources, for every carrier."""

from __future__ import annotations

from typing import Protocol

from ..http.request import Request
from ..http.response import Response
from .requests import run_request
from .routes import RouteTable


class Carrier(Protocol):
    """Sends the response of one request to its peer.

    Raises:
        OSError: the peer has left.
    """

    async def send_whole(self, response: Response, body: bytes) -> None:
        """Send a response at once.

        Arguments:
            response: provides the status and the fields.
            body: the content; empty for HEAD.
        """

    async def send_stream(self, response: Response) -> None:
        """Send a response whose content comes in chunks."""


async def serve_request(table: RouteTable, request: Request, carrier: Carrier) -> None:
    """Run a request, send its response, and release the resources of both.

    Arguments:
        table: the routes of the application.
        request: the request.
        carrier: sends the response.

    Raises:
        Exception: an error of the carrier or of the source of a streamed response.
        ValueError: a cookie bypassed all checks with an invalid value.
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
