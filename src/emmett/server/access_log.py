"""The access logs: an observer that writes a line for each response and for each websocket."""

from __future__ import annotations

import logging
from urllib.parse import quote

from ..config import ServerSettings
from ..http.head import RequestHead
from ..logs import log_fields
from ..observers import Observer, RequestEnded, WebsocketEnded
from ..wire.targets import escape, loggable_query

logger = logging.getLogger("uvicorn.access")
websocket_logger = logging.getLogger("emmett.access")

# The status that the log shows for a request whose client left before its response, as in nginx.
CLIENT_LEFT = 499


class RequestLog(Observer):
    """Writes a line for each response to the logger of uvicorn's access log, in the format of uvicorn's own protocols.

    Arguments:
        settings: the server settings, including `log_query`.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings

    def request_ended(self, event: RequestEnded) -> None:
        # `uvicorn.logging.AccessFormatter` unpacks these five values, in this order.
        client = f"{event.client[0]}:{event.client[1]}" if event.client else ""
        query = loggable_query(event.query, self._settings.log_query)
        target = f"{quote(event.path)}?{query}" if query else quote(event.path)
        status = CLIENT_LEFT if event.status is None else event.status
        fields = log_fields(
            request=id_of(event.key),
            client=event.client,
            method=event.method,
            path=event.path,
            route=event.route,
            status=status,
            seconds=round(event.seconds, 6),
        )
        logger.info('%s - "%s %s HTTP/%s" %d', client, event.method, target, event.http_version, status, extra=fields)


class WebsocketLog(Observer):
    """Writes a line for each websocket that has ended or was refused to the access log of websockets.

    Arguments:
        settings: the server settings, including `log_query`.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings

    def websocket_ended(self, event: WebsocketEnded) -> None:
        client = f"{event.client[0]}:{event.client[1]}" if event.client else "-"
        query = loggable_query(event.query, self._settings.log_query)
        target = f"{escape(event.target)}?{query}" if query else escape(event.target)
        fields = log_fields(
            request=id_of(event.key),
            connection=event.number,
            client=event.client,
            path=event.path,
            route=event.route,
            status=event.status,
            code=event.code,
            reason=event.reason or None,
            seconds=round(event.seconds, 6),
            received=event.received,
            sent=event.sent,
        )
        if event.code is None:
            websocket_logger.info('%s - "WEBSOCKET %s" %s', client, target, event.status or "-", extra=fields)
            return
        websocket_logger.info(
            '%s - "WEBSOCKET %s" closed %d after %.3f s, %d in, %d out',
            client,
            target,
            event.code,
            event.seconds,
            event.received,
            event.sent,
            extra=fields,
        )


def id_of(key: object) -> str | None:
    """Return the id of the request or handshake that an event is about."""
    return key.id if isinstance(key, RequestHead) else None


def access_logs(settings: ServerSettings) -> list[Observer]:
    """Return the access logs that are enabled."""
    # A log without a handler is enabled too: the handler of last resort writes its records.
    logs: list[Observer] = [RequestLog(settings)] if logger.isEnabledFor(logging.INFO) else []
    return [*logs, WebsocketLog(settings)] if websocket_logger.isEnabledFor(logging.INFO) else logs
