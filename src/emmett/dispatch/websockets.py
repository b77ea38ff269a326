"""One websocket connection, from its route to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from ..ctx import enter_websocket
from ..errors import HTTPException, MessageError, WebsocketClosed
from ..pipeline.groups import find_answer
from ..urls import current_place
from ..websockets.connection import Connection
from ..websockets.websocket import Websocket
from .routes import WebsocketRoute

logger = logging.getLogger("emmett.websocket")

NORMAL = 1000
POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011


async def run_websocket(
    route: WebsocketRoute, websocket: Websocket, connection: Connection, arguments: dict[str, Any]
) -> None:
    """Run the flow of a route for one connection, and end the connection as the flow ended (design.md, "What a
    connection promises").

    Arguments:
        route: the route that matched.
        websocket: the connection as the application sees it.
        connection: the connection as the server sees it.
        arguments: the variables of the path.
    """
    enter_websocket(websocket)
    current_place.set(route.place)
    flow = route.flow
    if flow.on_receive or flow.on_send:
        websocket.set_hooks(route.on_receive, route.on_send)
    try:
        if flow.has_hooks:
            await flow.run(arguments)
        else:
            await flow.call(**arguments)
    except Exception as error:
        await _end_with(error, route, websocket, connection)
    except asyncio.CancelledError:
        # The server ends a handler so: the peer left long ago, the application stops, or nobody answered the handshake.
        await _end(websocket, connection, 503, INTERNAL_ERROR)
    except BaseException as error:
        if not _is_closed_group(error, websocket):
            await _end(websocket, connection, 500, INTERNAL_ERROR)
            raise
    else:
        await _end(websocket, connection, 403, NORMAL)


async def _end_with(error: Exception, route: WebsocketRoute, websocket: Websocket, connection: Connection) -> None:
    answer = find_answer(_without_news(error, websocket), (HTTPException, MessageError))
    if isinstance(answer, HTTPException):
        await _end_as_http(answer, websocket, connection)
    elif isinstance(answer, MessageError) and websocket.accepted:
        if not websocket.closed:
            logger.info("%s: message refused with %d: %s", route.name, answer.code, answer.reason)
        await _end(websocket, connection, 400, answer.code, answer.reason)
    elif not _is_closed_group(error, websocket):
        logger.error("%s: the handler failed on %r", route.name, websocket.path, exc_info=error)
        await _end(websocket, connection, 500, INTERNAL_ERROR)


def _without_news(error: Exception, websocket: Websocket) -> Exception:
    """Leave the news that this very connection has ended out of a group that holds more than that."""
    if isinstance(error, ExceptionGroup) and websocket.closed:
        return error.split(WebsocketClosed)[1] or error
    return error


async def _end_as_http(error: HTTPException, websocket: Websocket, connection: Connection) -> None:
    """`abort` and `redirect`: the refusal itself before acceptance, a close code of that sense after."""
    if not websocket.accepted:
        try:
            await _wait(connection.refuse(error.status, error.body, error.fields))
        except ValueError:
            logger.exception("%r: the handshake cannot be refused so", websocket.path)
            await _end(websocket, connection, 500, INTERNAL_ERROR)
    elif error.status < 400:
        await _end(websocket, connection, error.status, NORMAL)
    else:
        await _end(websocket, connection, error.status, POLICY_VIOLATION if error.status < 500 else INTERNAL_ERROR)


async def _end(websocket: Websocket, connection: Connection, status: int, code: int, reason: str = "") -> None:
    """Close an accepted connection with `code`, refuse another one with `status`."""
    if not websocket.accepted:
        await _wait(connection.refuse(status, "", {}))
    elif not websocket.closed:
        await websocket.finish_delivery()
        waiting = connection.close(code, reason)
        websocket.end(code, reason)
        await _wait(waiting)


async def _wait(waiting: Awaitable[None] | None) -> None:
    try:
        if waiting is not None:
            await waiting
    except WebsocketClosed:
        # The peer went while the Close frame waited for its turn.
        pass


def _is_closed_group(error: BaseException, websocket: Websocket) -> bool:
    """Whether this is only the news, alone or in a group, that this very connection has ended."""
    if not websocket.closed:
        return False
    if isinstance(error, BaseExceptionGroup):
        return error.split(WebsocketClosed)[1] is None
    return isinstance(error, WebsocketClosed)
