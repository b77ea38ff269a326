"""What the log says of a websocket: what happened to it, and one line for the access log when all is over."""

from __future__ import annotations

import logging

from ..wire.targets import QueryLogging, loggable_target
from .owner import Member

logger = logging.getLogger("emmett.websocket")
access_logger = logging.getLogger("emmett.access")


def log_event(member: Member, level: int, message: str, *values: object) -> None:
    """Log one line about a connection: its number, its peer, its path, what happened."""
    websocket = member.websocket
    path = websocket.path if websocket is not None else ""
    client = websocket.client if websocket is not None else None
    peer = f"{client[0]}:{client[1]}" if client else "-"
    logger.log(level, "websocket %d from %s, %r: " + message, member.number, peer, path, *values)


def log_failure(member: Member, error: BaseException | None) -> None:
    """Log that the task of a connection failed, which is none of the ways in which handlers end."""
    logger.error("websocket %d ended badly", member.number, exc_info=error)


def log_access(member: Member, now: float, query: QueryLogging = "names") -> None:
    """Log that a websocket has ended: who, which target, how, after what time and how many messages.

    Arguments:
        member: the connection.
        now: the loop's time in seconds.
        query: what is shown of the query of the target.
    """
    websocket = member.websocket
    if websocket is None or not access_logger.isEnabledFor(logging.INFO):
        return
    client = f"{websocket.client[0]}:{websocket.client[1]}" if websocket.client else "-"
    target = loggable_target(member.target.decode("latin-1"), query)
    if member.status != 101:
        access_logger.info('%s - "WEBSOCKET %s" %s', client, target, member.status or "-")
        return
    access_logger.info(
        '%s - "WEBSOCKET %s" closed %d after %.3f s, %d in, %d out',
        client,
        target,
        websocket.close_code,
        now - member.began,
        *member.messages,
    )
