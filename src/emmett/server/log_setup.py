"""Logging as `emmett serve` sets it up: lines for people, unless the application configures something else."""

from __future__ import annotations

import logging
import sys

from uvicorn.logging import AccessFormatter, DefaultFormatter

from ..logs import enable_loggers

LOG_LEVELS = ("critical", "error", "warning", "info", "debug")
# The loggers of the server, and those of them that log a line for each request and each websocket.
SERVER_LOGGERS = ("emmett", "uvicorn")
REQUEST_LOG = "uvicorn.access"
WEBSOCKET_LOG = "emmett.access"
OFF = logging.CRITICAL + 1


def set_up_logging(level: str, access_log: bool) -> None:
    """Log what has no handler of the application's to the terminal.

    Nothing of this is in the way of an application that configures logging itself, before or after: our handler is the
    one of last resort, and a level that the application has set stays.

    Arguments:
        level: of LOG_LEVELS.
        access_log: whether to log a line for each request and each websocket.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.lastResort = TerminalHandler()
    for name in SERVER_LOGGERS:
        enable_loggers(name)
        _set_level(logging.getLogger(name), number)
    for name in (REQUEST_LOG, WEBSOCKET_LOG):
        _set_level(logging.getLogger(name), number if access_log else OFF)
    if not logging.root.handlers and logging.root.level == logging.WARNING:
        logging.root.setLevel(number)


class TerminalHandler(logging.Handler):
    """Write the access log to stdout and all else to stderr, in colour on a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(TerminalFormatter("%(levelprefix)s %(message)s"))
        self._access = AccessFormatter('%(levelprefix)s %(client_addr)s - "%(request_line)s" %(status_code)s')

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, to the streams that `sys` has now."""
        try:
            text = (self._access if record.name == REQUEST_LOG else self).format(record)
            stream = sys.stdout if record.name in (REQUEST_LOG, WEBSOCKET_LOG) else sys.stderr
            stream.write(text + "\n")
            stream.flush()
        except Exception:
            self.handleError(record)


class TerminalFormatter(DefaultFormatter):
    """uvicorn's lines; those of other loggers than the server's begin with the name of the logger."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line of a record."""
        if record.name.partition(".")[0] not in SERVER_LOGGERS:
            record = logging.makeLogRecord(vars(record) | {"message": f"{record.name}: {record.message}"})
        return super().formatMessage(record)


def _set_level(logger: logging.Logger, level: int) -> None:
    if logger.level == logging.NOTSET:
        logger.setLevel(level)
