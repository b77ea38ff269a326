"""Log lines about a websocket while it is served; see `access_log.py` for the line at its end."""

from __future__ import annotations

import logging

from ..logs import format_client, log_fields
from .websocket_process import ServedWebsocket

logger = logging.getLogger("emmett.websocket")


def log_event(served: ServedWebsocket, level: int, message: str, *values: object) -> None:
    """Log one line about a connection: its number, peer, path and an event."""
    websocket = served.websocket
    path = websocket.path if websocket is not None else ""
    client = websocket.client if websocket is not None else None
    fields = log_fields(connection=served.number, client=client, path=path or None)
    peer = format_client(client)
    logger.log(level, "websocket %d from %s, %r: " + message, served.number, peer, path, *values, extra=fields)


def log_failure(served: ServedWebsocket, error: BaseException | None) -> None:
    """Log that the task of a connection failed, which no handler can cause."""
    logger.error("websocket %d ended badly", served.number, exc_info=error, extra=log_fields(connection=served.number))
