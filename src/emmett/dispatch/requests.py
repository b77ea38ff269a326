"""One request, from its route to its response."""

from __future__ import annotations

import copy
import logging
from collections.abc import AsyncIterable, Iterator
from http import HTTPStatus
from typing import Any

from ..ctx import enter_request
from ..errors import HTTPException, RequestError, UsageError
from ..http.render import render
from ..http.request import Request
from ..http.response import Response
from ..pipeline.hooks import invoke
from ..routing import Match
from ..urls import current_place
from .routes import HTTPRoute, Output, RouteTable

logger = logging.getLogger("emmett.request")

_RESULT_TYPES: dict[Output, tuple[type, ...]] = {
    "bytes": (bytes, bytearray, memoryview, Response),
    "str": (str, Response),
    "iter": (AsyncIterable, Iterator, Response),
}


async def run_request(table: RouteTable, request: Request) -> Response:
    """Find the route of a request, run its flow and render what came of it. Never raises for what a peer can cause.

    Arguments:
        table: the routes of the application.
        request: the request.

    Returns:
        The response to send; for HEAD its body is that of GET, which the adapter leaves out.
    """
    response = Response()
    enter_request(request, response)
    # Until a route has matched: error pages build URLs too.
    current_place.set(table.place)
    try:
        match = _match(table, request, request.method)
        if match.endpoint is None and request.method == "HEAD" and "GET" in match.allowed:
            # HEAD is answered as GET is, without the body (RFC 9110, 9.3.2).
            match = _match(table, request, "GET")
        if match.endpoint is None:
            raise _no_route(request, match)
        current_place.set(match.endpoint.place)
        return await _run_route(match.endpoint, match.arguments, response)
    except HTTPException as error:
        if error.body:
            # The handler's own words go before the page for its status.
            return _plain_response(response, error.status, error.body, error.headers)
        return await _error_response(table, response, error.status, "", error.headers)
    except RequestError as error:
        return await _error_response(table, response, error.status, error.message, error.headers)
    except Exception:
        logger.exception("%s %r failed", request.method, request.path)
        return await _error_response(table, response, 500, "", {})


def _match(table: RouteTable, request: Request, method: str) -> Match[HTTPRoute]:
    return table.http.match(request.path, method=method, scheme=request.scheme, host=request.host)


def _no_route(request: Request, match: Match[HTTPRoute]) -> RequestError:
    if not match.allowed:
        return RequestError(404, "")
    allowed = ", ".join(sorted(match.allowed | ({"HEAD"} if "GET" in match.allowed else set())))
    return RequestError(405, f"{request.method} is not allowed here; allowed are {allowed}", {"allow": allowed})


async def _run_route(route: HTTPRoute, arguments: dict[str, Any], response: Response) -> Response:
    flow = route.flow
    result = await (flow.run(arguments) if flow.has_hooks else flow.call(**arguments))
    wanted = _RESULT_TYPES.get(route.output)
    if wanted is not None and not isinstance(result, wanted):
        raise UsageError(f"{route.name} has output={route.output!r} but returned {type(result).__name__}")
    rendered = render(result, response)
    if rendered.is_stream:
        try:
            for hook in flow.on_stream:
                await invoke(hook)
        except BaseException:
            await rendered.aclose()
            raise
    return rendered


async def _error_response(
    table: RouteTable, response: Response, status: int, body: str, headers: dict[str, str]
) -> Response:
    """Render the application's page for an error, or a plain one."""
    page = table.error_pages.get(status)
    if page is not None:
        response.status = status
        # What the handler that failed had said of its own body.
        response.body = b""
        response.content_type = None
        for name, value in headers.items():
            response.headers[name] = value
        try:
            result = page()
            if hasattr(result, "__await__"):
                result = await result
            if isinstance(result, Response):
                # It may be shared by many requests.
                result = copy.copy(result)
                result.status = status
            return render(result, response)
        except Exception:
            logger.exception("the error page for %d failed", status)
    return _plain_response(response, status, body, headers)


def _plain_response(response: Response, status: int, body: str | bytes, headers: dict[str, str]) -> Response:
    response.status = status
    if not body and status >= 400:
        body = _phrases.get(status, f"status {status}")
    if body:
        response.content_type = "text/plain; charset=utf-8"
    for name, value in headers.items():
        response.headers[name] = value
    return render(body, response)


_phrases = {status.value: status.phrase for status in HTTPStatus}
