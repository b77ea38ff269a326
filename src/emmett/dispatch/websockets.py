"""One websocket connection, from its handshake to its end, for every carrier."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any, NamedTuple

from ..ctx import enter_websocket
from ..datastructures import Headers
from ..errors import HandshakeError, HTTPException, MessageError, RequestError, WebsocketClosed
from ..logs import log_fields
from ..observers import Observers
from ..pipeline.groups import find_answer, is_failure
from ..urls import current_place
from ..websockets.websocket import Websocket
from ..wire.close import CloseCode
from .kept_handle import warn_of_kept_handle
from .observed import tell_websocket_started
from .routes import RouteTable, WebsocketRoute

logger = logging.getLogger("emmett.websocket")


class FoundWebsocket(NamedTuple):
    """The route of a handshake.

    Attributes:
        route: the route that matched.
        arguments: the variables of its path.
    """

    route: WebsocketRoute
    arguments: dict[str, Any]


def find_websocket(table: RouteTable, *, scheme: str, path: str, headers: Headers) -> FoundWebsocket:
    """Find the route of a handshake and check that its origin may connect.

    This comes before the application runs: a page of another site could use its visitor's cookies (RFC 6455, 10.2).

    Arguments:
        table: the routes of the application.
        scheme: `ws` or `wss`, as the client sees it.
        path: the path of the request, percent-decoded.
        headers: the header fields of the handshake.

    Raises:
        HandshakeError: no route matches, or the page may not connect.
    """
    origin = headers.get("origin")
    routes = table.websockets
    # Finding a field takes as long as finding a route.
    needs_host = origin is not None or routes.has_hostnames or table.http.has_hostnames
    host = headers.get("host", "").strip() if needs_host else ""
    match = routes.match(path, scheme=scheme, host=host)
    if match.endpoint is None:
        request_scheme = "https" if scheme == "wss" else "http"
        requests = table.http.match(path, method="GET", scheme=request_scheme, host=host)
        if requests.endpoint is None and not requests.allowed:
            raise HandshakeError(404, "Not Found")
        raise HandshakeError(
            404, f"this path is for requests, not for websockets: use {request_scheme}:// instead of {scheme}://"
        )
    if origin is not None:
        refusal = match.endpoint.refuse_origin(origin, scheme=scheme, host=host)
        if refusal is not None:
            raise HandshakeError(403, refusal)
    return FoundWebsocket(match.endpoint, match.arguments)


def describe_refusal(error: RequestError) -> tuple[int, str, dict[str, str]]:
    """Return the status, body and header fields that refuse a handshake before it reaches a handler."""
    return error.status, error.message, {"content-type": "text/plain; charset=utf-8", **error.headers}


async def run_websocket(
    route: WebsocketRoute, websocket: Websocket, arguments: dict[str, Any], observers: Observers | None = None
) -> None:
    """Run the flow of a route for one connection, and end the connection according to the outcome (design.md, "What a
    connection promises").

    Arguments:
        route: the route that matched.
        websocket: the connection as the application sees it.
        arguments: the variables of the path.
        observers: the observers to notify in the context of the handler.
    """
    if route.is_developing:
        warn_of_kept_handle()
    enter_websocket(websocket)
    current_place.set(route.place)
    if observers is not None and observers.websocket_started:
        tell_websocket_started(observers, websocket, route.name)
    flow = route.flow
    if flow.on_receive or flow.on_send:
        websocket.set_hooks(route.on_receive, route.on_send)
    try:
        if flow.has_hooks:
            await flow.run(arguments)
        else:
            handler = flow.call(**arguments)
            # Not kept for as long as the connection, which has its own.
            del arguments
            await handler
    except asyncio.CancelledError:
        # The server cancels a handler if the peer left long ago, the application stops, or the handshake timed out.
        await _end(websocket, 503, CloseCode.INTERNAL_ERROR)
    except WebsocketClosed as error:
        # The usual end, which needs no answer any more.
        if not websocket.closed:
            await _end_with(error, route, websocket)
    except BaseException as error:
        if is_failure(error):
            await _end_with(error, route, websocket)
        elif not _is_only_closing(error, websocket):
            websocket.failure = error
            await _end(websocket, 500, CloseCode.INTERNAL_ERROR)
            raise
    else:
        await _end(websocket, 403, CloseCode.NORMAL)


async def _end_with(error: BaseException, route: WebsocketRoute, websocket: Websocket) -> None:
    answer = find_answer(_without_closing(error, websocket), (HTTPException, MessageError))
    if isinstance(answer, HTTPException):
        await _end_as_http(answer, websocket)
    elif isinstance(answer, MessageError) and websocket.accepted:
        if not websocket.closed:
            fields = _fields_of(websocket, route) | log_fields(code=answer.code, reason=answer.reason)
            logger.info("%s: message refused with %d: %s", route.name, answer.code, answer.reason, extra=fields)
        await _end(websocket, 400, answer.code, answer.reason)
    elif not _is_only_closing(error, websocket):
        websocket.failure = error
        fields = _fields_of(websocket, route)
        logger.error("%s: the handler failed on %r", route.name, websocket.path, exc_info=error, extra=fields)
        await _end(websocket, 500, CloseCode.INTERNAL_ERROR)


def _fields_of(websocket: Websocket, route: WebsocketRoute | None) -> dict[str, object]:
    return log_fields(client=websocket.client, path=websocket.path, route=None if route is None else route.name)


def _without_closing(error: BaseException, websocket: Websocket) -> BaseException:
    """Remove the `WebsocketClosed` of this connection from a group that contains other exceptions."""
    if isinstance(error, BaseExceptionGroup) and websocket.closed:
        return error.split(WebsocketClosed)[1] or error
    return error


async def _end_as_http(error: HTTPException, websocket: Websocket) -> None:
    """Apply `abort` and `redirect`: a refusal before acceptance, a corresponding close code afterwards."""
    if not websocket.accepted:
        try:
            with contextlib.suppress(WebsocketClosed):
                await websocket.refuse(error.status, error.body, error.fields)
        except ValueError as unfit:
            websocket.failure = unfit
            fields = _fields_of(websocket, None)
            logger.exception("%r: the handshake cannot be refused with this answer", websocket.path, extra=fields)
            await _end(websocket, 500, CloseCode.INTERNAL_ERROR)
    elif error.status < 400:
        await _end(websocket, error.status, CloseCode.NORMAL)
    else:
        code = CloseCode.POLICY_VIOLATION if error.status < 500 else CloseCode.INTERNAL_ERROR
        await _end(websocket, error.status, code)


async def _end(websocket: Websocket, status: int, code: int, reason: str = "") -> None:
    """Close an accepted connection with `code`, refuse any other with `status`."""
    # The peer may leave before the Close frame is sent.
    with contextlib.suppress(WebsocketClosed):
        if websocket.accepted:
            await websocket.close(code, reason)
        else:
            await websocket.refuse(status)


def _is_only_closing(error: BaseException, websocket: Websocket) -> bool:
    """Return whether this is only, alone or in a group, the `WebsocketClosed` of this connection."""
    if not websocket.closed:
        return False
    if isinstance(error, BaseExceptionGroup):
        return error.split(WebsocketClosed)[1] is None
    return isinstance(error, WebsocketClosed)
