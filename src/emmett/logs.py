"""The structured fields of log records: `logger.info("...", extra=log_fields(connection=7, code=1006))`."""

from __future__ import annotations

import logging
from typing import TypedDict, Unpack

# The loggers that `enable_loggers` keeps enabled: the framework's own.
OUR_LOGGERS = "emmett"


class LogFields(TypedDict, total=False):
    """The structured data of a record, besides its text. Each field is an attribute of the record.

    Fields:
        request: the id of the request, or of the handshake of the websocket.
        connection: the number of the connection in its process.
        client: the peer, as address and port.
        method: the HTTP method.
        path: the path of the request or of the handshake, without its query.
        route: the name of the route.
        status: the HTTP status.
        code: the close code of the websocket.
        reason: the reason that came with the close code.
        seconds: the duration.
        received: messages received on the websocket.
        sent: messages sent on the websocket.
        channel: the name of the channel.
        broker: the address of the broker.
    """

    request: str | None
    connection: int | None
    client: tuple[str, int] | None
    method: str | None
    path: str | None
    route: str | None
    status: int | None
    code: int | None
    reason: str | None
    seconds: float | None
    received: int | None
    sent: int | None
    channel: str | None
    broker: str | None


FIELD_NAMES = tuple(LogFields.__annotations__)


def log_fields(**fields: Unpack[LogFields]) -> dict[str, object]:
    """Return the `extra` of a log call.

    Arguments:
        fields: the known fields; `None` leaves a field out. The client becomes "host:port".
    """
    given: dict[str, object] = {name: value for name, value in fields.items() if value is not None}
    if "client" in given:
        given["client"] = format_client(fields["client"])
    return given


def format_client(client: tuple[str, int] | None) -> str:
    """Return a peer as "host:port", an IPv6 address in brackets; "-" for an unknown one."""
    if client is None:
        return "-"
    host, port = client
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def enable_loggers(prefix: str = OUR_LOGGERS) -> None:
    """Enable a logger and its descendants.

    `logging.config.dictConfig` disables every existing logger unless it is given `disable_existing_loggers=False`. An
    application that configures its logging would lose the tracebacks of its handlers.

    Arguments:
        prefix: the name of the logger.
    """
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and f"{name}.".startswith(f"{prefix}."):
            logger.disabled = False
