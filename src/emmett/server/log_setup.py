"""The logging setup of `emmett serve`: readable lines, unless the application configures logging itself."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

from ..environment import LOG_FORMAT
from ..log_filter import ContextFilter
from ..logs import enable_loggers
from .log_lines import AccessFormatter, LineFormatter

LOG_LEVELS = ("critical", "error", "warning", "info", "debug")
# The loggers of the server, and the access loggers among them.
SERVER_LOGGERS = ("emmett", "uvicorn")
REQUEST_LOG = "uvicorn.access"
WEBSOCKET_LOG = "emmett.access"
OFF = logging.CRITICAL + 1


def set_up_logging(level: str, access_log: bool) -> None:
    """Log to the terminal all records without a handler of the application, as lines of JSON if `LOG_FORMAT` says so.

    An application can configure logging itself, earlier or later: this handler is the handler of last resort, and
    levels that the application has set remain.

    Arguments:
        level: one of LOG_LEVELS.
        access_log: whether to log a line for each request and each websocket.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.lastResort = JSONHandler() if os.environ.get(LOG_FORMAT) == "json" else TerminalHandler()
    for name in SERVER_LOGGERS:
        enable_loggers(name)
        _set_level(logging.getLogger(name), number)
    for name in (REQUEST_LOG, WEBSOCKET_LOG):
        _set_level(logging.getLogger(name), number if access_log else OFF)
    if not logging.root.handlers and logging.root.level == logging.WARNING:
        logging.root.setLevel(number)


class TerminalHandler(logging.Handler):
    """Writes the access log to stdout and all other records to stderr, in colour on a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(TerminalFormatter())
        self._access = AccessFormatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record to the current streams of `sys`."""
        try:
            text = (self._access if record.name == REQUEST_LOG else self).format(record)
            stream = sys.stdout if record.name in (REQUEST_LOG, WEBSOCKET_LOG) else sys.stderr
            stream.write(text + "\n")
            stream.flush()
        except Exception:
            self.handleError(record)


class JSONHandler(logging.StreamHandler[TextIO]):
    """Writes all records to stdout, each as a line of JSON with the fields of its request or websocket."""

    def __init__(self) -> None:
        # Imported here: lines of text need no msgspec.
        from ..json_logs import JSONFormatter

        super().__init__(sys.stdout)
        self.setFormatter(JSONFormatter())
        self.addFilter(ContextFilter())


class TerminalFormatter(LineFormatter):
    """Writes level and message; lines of loggers outside the server begin with the name of the logger."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line of a record."""
        if record.name.partition(".")[0] not in SERVER_LOGGERS:
            record = logging.makeLogRecord(vars(record) | {"message": f"{record.name}: {record.message}"})
        return super().formatMessage(record)


def _set_level(logger: logging.Logger, level: int) -> None:
    if logger.level == logging.NOTSET:
        logger.setLevel(level)
