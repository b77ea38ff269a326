"""`ContextFilter`: adds the current request or websocket to the log records of an application."""

from __future__ import annotations

import logging

from .ctx import current_request, current_websocket
from .logs import FIELD_NAMES, log_fields


class ContextFilter(logging.Filter):
    """Adds the structured fields of emmett's log records to each record; None for those without a value.

    A format may then use any of them, and a line that a handler logs shows its request. Add the filter to handlers of
    the logging module, not to loggers: only handlers see the records of all loggers.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields; every record passes."""
        values: dict[str, object] = {}
        websocket, request = current_websocket.get(None), current_request.get()
        if websocket is not None:
            values = log_fields(
                request=websocket.id, connection=websocket.number, client=websocket.client, path=websocket.path
            )
        elif request is not None:
            values = log_fields(
                request=request.id,
                client=request.client,
                method=request.method,
                path=request.path,
                route=request.route,
            )
        for name in FIELD_NAMES:
            if not hasattr(record, name):
                setattr(record, name, values.get(name))
        return True
