"""What the log says of a websocket: what happened to it, and one line for the access log when all is over."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .websocket_protocol import WebsocketProtocol

logger = logging.getLogger("emmett.websocket")
access_logger = logging.getLogger("emmett.access")


def log_event(protocol: WebsocketProtocol, level: int, message: str, *values: object) -> None:
    """Log one line about a connection: its number, its peer, its path, what happened."""
    websocket = protocol.websocket
    path = websocket.path if websocket is not None else ""
    client = websocket.client if websocket is not None else None
    peer = f"{client[0]}:{client[1]}" if client else "-"
    logger.log(level, "websocket %d from %s, %r: " + message, protocol.number, peer, path, *values)


def log_failure(protocol: WebsocketProtocol, error: BaseException | None) -> None:
    """Log that the task of a connection failed, which is none of the ways in which handlers end."""
    logger.error("websocket %d ended badly", protocol.number, exc_info=error)


def log_access(protocol: WebsocketProtocol, now: float) -> None:
    """Log that a websocket has ended: who, which target, how, after what time and how many messages.

    Arguments:
        protocol: the connection.
        now: the loop's time in seconds.
    """
    websocket = protocol.websocket
    if websocket is None or not access_logger.isEnabledFor(logging.INFO):
        return
    client = f"{websocket.client[0]}:{websocket.client[1]}" if websocket.client else "-"
    target = _printable(protocol.target.decode("latin-1"))
    if protocol.status != 101:
        access_logger.info('%s - "WEBSOCKET %s" %s', client, target, protocol.status or "-")
        return
    access_logger.info(
        '%s - "WEBSOCKET %s" closed %d after %.3f s, %d in, %d out',
        client,
        target,
        websocket.close_code,
        now - protocol.began,
        *protocol.messages,
    )


def _printable(target: str) -> str:
    """Escape what could make a log say something else: control and non-ASCII characters."""
    return target.encode("unicode_escape").decode("ascii").replace('"', "%22")
