"""What the log says of a websocket: what happened to it, and one line for the access log when all is over."""

from __future__ import annotations

import logging

from ..wire.targets import QueryLogging, loggable_target
from .websocket_process import ServedWebsocket

logger = logging.getLogger("emmett.websocket")
access_logger = logging.getLogger("emmett.access")


def log_event(served: ServedWebsocket, level: int, message: str, *values: object) -> None:
    """Log one line about a connection: its number, its peer, its path, what happened."""
    websocket = served.websocket
    path = websocket.path if websocket is not None else ""
    client = websocket.client if websocket is not None else None
    peer = f"{client[0]}:{client[1]}" if client else "-"
    logger.log(level, "websocket %d from %s, %r: " + message, served.number, peer, path, *values)


def log_failure(served: ServedWebsocket, error: BaseException | None) -> None:
    """Log that the task of a connection failed, which is none of the ways in which handlers end."""
    logger.error("websocket %d ended badly", served.number, exc_info=error)


def log_access(served: ServedWebsocket, now: float, query: QueryLogging = "names") -> None:
    """Log that a websocket has ended: who, which target, how, after what time and how many messages.

    Arguments:
        served: the connection.
        now: the loop's time in seconds.
        query: what is shown of the query of the target.
    """
    websocket = served.websocket
    if websocket is None or not access_logger.isEnabledFor(logging.INFO):
        return
    client = f"{websocket.client[0]}:{websocket.client[1]}" if websocket.client else "-"
    target = loggable_target(served.target.decode("latin-1"), query)
    if served.status != 101:
        access_logger.info('%s - "WEBSOCKET %s" %s', client, target, served.status or "-")
        return
    access_logger.info(
        '%s - "WEBSOCKET %s" closed %d after %.3f s, %d in, %d out',
        client,
        target,
        websocket.close_code,
        now - served.began,
        *served.messages,
    )
