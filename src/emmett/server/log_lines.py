"""The lines of the log on a terminal, in the format of uvicorn."""

from __future__ import annotations

import logging
import sys
from copy import copy
from http import HTTPStatus
from typing import cast

# Numbers of ANSI colours.
_LEVELS = {logging.DEBUG: 36, logging.INFO: 32, logging.WARNING: 33, logging.ERROR: 31, logging.CRITICAL: 91}
_STATUSES = {1: 97, 2: 32, 3: 33, 4: 31, 5: 91}
_PREFIX_WIDTH = 9


class LineFormatter(logging.Formatter):
    """Writes level and message, the level in colour if stdout is a terminal."""

    def __init__(self) -> None:
        super().__init__("%(levelprefix)s %(message)s")
        self._has_colours = sys.stdout.isatty()

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line of a record."""
        record = copy(record)
        padding = " " * (_PREFIX_WIDTH - 1 - len(record.levelname))
        record.levelprefix = f"{self.coloured(record.levelname, _LEVELS.get(record.levelno))}:{padding}"
        return super().formatMessage(record)

    def coloured(self, text: str, colour: int | None) -> str:
        """Return a text in a colour, if stdout is a terminal."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self._has_colours and colour else text


class AccessFormatter(LineFormatter):
    """Writes the access log: client, request and status."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line of a record of five values: client, method, target, HTTP version, status."""
        client, method, target, version, status = cast("tuple[str, str, str, str, int]", record.args)
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = ""
        request = f"{method} {target} HTTP/{version}"
        if self._has_colours:
            request = f"\x1b[1m{request}\x1b[0m"
        record = copy(record)
        record.message = f'{client} - "{request}" {self.coloured(f"{status} {phrase}", _STATUSES.get(status // 100))}'
        return super().formatMessage(record)
