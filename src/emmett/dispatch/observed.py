"""Events about requests and websockets that are the same on every carrier, for observers."""

from __future__ import annotations

from ..http.request import Request
from ..observers import Observers, RequestEnded, RequestStarted, WebsocketStarted, notify
from ..websockets.websocket import Websocket


def tell_request_started(observers: Observers, request: Request, route: str | None) -> None:
    """Report that the handler of a request is about to run, in its context.

    Arguments:
        observers: the observers to notify.
        request: the request.
        route: the full name of its route; None if none matched.
    """
    event = RequestStarted(
        request,
        request.method,
        request.scheme,
        request.path,
        request.query_string.decode("latin-1"),
        request.http_version,
        request.client,
        route,
        request.headers,
    )
    notify(observers.request_started, event)


def tell_request_ended(
    observers: Observers, request: Request, status: int | None, complete: bool, seconds: float
) -> None:
    """Report that a request has ended.

    Arguments:
        observers: the observers to notify.
        request: the request.
        status: the status of its response; `None` if there was none.
        complete: whether the whole response was sent.
        seconds: its duration.
    """
    # The traceback of an exception refers to the frames of the handler, and these to the request.
    failure, request.failure = request.failure, None
    event = RequestEnded(
        request.method,
        request.path,
        request.query_string.decode("latin-1"),
        request.http_version,
        request.client,
        request.route,
        status,
        complete,
        seconds,
        request,
        failure,
    )
    notify(observers.request_ended, event)


def tell_websocket_started(observers: Observers, websocket: Websocket, route: str) -> None:
    """Report that the handler of a websocket is about to run, in its context."""
    event = WebsocketStarted(
        websocket,
        websocket.scheme,
        websocket.path,
        websocket.query_string.decode("latin-1"),
        websocket.client,
        route,
        websocket.headers,
    )
    notify(observers.websocket_started, event)
