"""`ContextFilter`: what the log records of an application say about the request or websocket that is being handled."""

from __future__ import annotations

import logging

from .ctx import current_request, current_websocket
from .logs import FIELD_NAMES, log_fields


class ContextFilter(logging.Filter):
    """Gives each record the fields of emmett's own ones, and None where it has none.

    So a format may name any of them, and a line that a handler logs says for whom. Give it to handlers of the logging
    module, not to loggers: only those see the records of all loggers.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields; every record passes."""
        values: dict[str, object] = {}
        websocket, request = current_websocket.get(None), current_request.get()
        if websocket is not None:
            values = log_fields(client=websocket.client, path=websocket.path)
        elif request is not None:
            values = log_fields(client=request.client, method=request.method, path=request.path)
        for name in FIELD_NAMES:
            if not hasattr(record, name):
                setattr(record, name, values.get(name))
        return True
