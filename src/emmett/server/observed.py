"""Events about the websockets of a process, for observers."""

from __future__ import annotations

import functools

from ..observers import Observers, SendStalled, SlowConsumer, WebsocketCounts, WebsocketEnded, WebsocketOpened, notify
from .websocket_process import ServedWebsocket


def count(served: ServedWebsocket) -> WebsocketCounts:
    """Return what a websocket has carried so far."""
    return WebsocketCounts(*served.messages, *(served.bytes or (None, None)))


def _waiting(served: ServedWebsocket) -> int:
    return len(served.inbox.messages)


def tell_opened(observers: Observers, served: ServedWebsocket) -> None:
    """Report that the application has accepted a websocket."""
    websocket = served.websocket
    if observers.websocket_opened and websocket is not None:
        event = WebsocketOpened(
            served.number,
            websocket.path,
            websocket.query_string.decode("latin-1"),
            websocket.client,
            served.route,
            websocket.subprotocol,
            websocket,
            functools.partial(count, served),
            functools.partial(_waiting, served),
        )
        notify(observers.websocket_opened, event)


def tell_ended(observers: Observers, served: ServedWebsocket, now: float) -> None:
    """Report that a websocket and its handler have ended, or that its handshake was refused.

    Arguments:
        observers: the observers to notify.
        served: the connection.
        now: the loop's time in seconds.
    """
    websocket = served.websocket
    if websocket is None:
        return
    # The traceback of an exception refers to the frames of the handler, and these to the websocket.
    failure, websocket.failure = websocket.failure, None
    if not observers.websocket_ended:
        return
    is_open = served.status == 101
    target, _, query = served.target.decode("latin-1").partition("?")
    event = WebsocketEnded(
        served.number,
        websocket.path,
        target,
        query,
        websocket.client,
        served.route,
        served.status,
        websocket.close_code if is_open else None,
        (websocket.close_reason or "") if is_open else "",
        now - served.began,
        *count(served),
        websocket,
        failure,
    )
    notify(observers.websocket_ended, event)


def tell_slow(observers: Observers, served: ServedWebsocket, reason: str, cause: str) -> None:
    """Report that a websocket is dropped because its peer does not read."""
    if observers.slow_consumer:
        websocket = served.websocket
        client = None if websocket is None else websocket.client
        event = SlowConsumer("websocket", client, served.route, None, reason, websocket, cause)
        notify(observers.slow_consumer, event)


def tell_stalled(observers: Observers, served: ServedWebsocket) -> None:
    """Report that the peer of a websocket does not read, so that `send()` waits."""
    websocket = served.websocket
    if observers.send_stalled and websocket is not None:
        notify(observers.send_stalled, SendStalled(websocket.client, served.route, websocket))
