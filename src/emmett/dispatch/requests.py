"""One request, from its route to its response."""

from __future__ import annotations

from typing import Any

from ..ctx import enter_request
from ..errors import RequestError
from ..http.render import render
from ..http.request import Request
from ..http.response import Response
from ..pipeline.groups import is_failure
from ..pipeline.hooks import invoke
from ..routing import Match
from ..urls import current_place
from .error_pages import answer_error
from .observed import tell_request_started
from .routes import HTTPRoute, RouteTable


async def run_request(table: RouteTable, request: Request) -> Response:
    """Find the route of a request, run its flow and render the result. Never raises for errors that a peer can cause.

    Arguments:
        table: the routes of the application.
        request: the request.

    Returns:
        The response to send. For HEAD its body is that of GET, which the adapter leaves out.
    """
    response = Response()
    enter_request(request, response)
    answer = await _answer(table, request, response)
    if table.on_request_end is not None:
        table.on_request_end(request)
    return answer


async def _answer(table: RouteTable, request: Request, response: Response) -> Response:
    try:
        match = _match(table, request, request.method)
        if match.endpoint is None and request.method == "HEAD" and "GET" in match.allowed:
            # HEAD is answered like GET, without the body (RFC 9110, 9.3.2).
            match = _match(table, request, "GET")
        route = match.endpoint
        # Error pages build URLs too, even if no route has matched.
        current_place.set(table.place if route is None else route.place)
        if table.observers.request_started:
            tell_request_started(table.observers, request, None if route is None else route.name)
        if route is None:
            return _preflight_response(table, request, match, response)
        request.route = route.name
        if route.settings is not None:
            request.configure(route.settings)
        return await _run_route(route, match.arguments, response)
    except BaseException as error:
        if not is_failure(error):
            raise
        return await answer_error(table, request, response, error)


def _match(table: RouteTable, request: Request, method: str) -> Match[HTTPRoute]:
    routes = table.http
    host = request.host if routes.has_hostnames else ""
    return routes.match(request.path, method=method, scheme=request.scheme, host=host)


def _preflight_response(table: RouteTable, request: Request, match: Match[HTTPRoute], response: Response) -> Response:
    """Let a pipe answer a CORS preflight, which announces the method of another request (Fetch standard, 3.3.2).

    Raises:
        RequestError: the request is not a preflight, or no pipe of the route answers it.
    """
    asked = request.headers.get("access-control-request-method")
    if asked == "HEAD" and asked not in match.allowed:
        # HEAD is answered like GET.
        asked = "GET"
    if request.method == "OPTIONS" and asked in match.allowed:
        route = _match(table, request, asked).endpoint
        if route is not None and route.preflight is not None:
            return render(route.preflight(match.allowed), response)
    raise _no_route(table, request, match)


def _no_route(table: RouteTable, request: Request, match: Match[HTTPRoute]) -> RequestError:
    if not match.allowed:
        scheme = "wss" if request.scheme == "https" else "ws"
        if table.websockets.match(request.path, scheme=scheme, host=request.host).endpoint is None:
            return RequestError(404, "")
        # Connection fields exist only in HTTP/1 (RFC 9110, 15.5.22; RFC 9113, 8.2.2).
        is_http1 = request.http_version.startswith("1")
        return RequestError(
            426,
            f"this path is for websockets: connect with {scheme}:// instead of {request.scheme}://",
            {"Upgrade": "websocket", "Connection": "Upgrade"} if is_http1 else {},
        )
    allowed = ", ".join(sorted(match.allowed | ({"HEAD"} if "GET" in match.allowed else set())))
    return RequestError(405, f"{request.method} is not allowed here; allowed are {allowed}", {"allow": allowed})


async def _run_route(route: HTTPRoute, arguments: dict[str, Any], response: Response) -> Response:
    flow = route.flow
    result = await (flow.run(arguments) if flow.has_hooks else flow.call(**arguments))
    if route.finish is not None:
        result = route.finish(result, response)
    rendered = render(result, response)
    if rendered.is_stream:
        try:
            for hook in flow.on_stream:
                await invoke(hook)
        except BaseException:
            await rendered.aclose()
            raise
    return rendered
