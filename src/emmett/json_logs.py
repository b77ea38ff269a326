"""`JSONFormatter`: log records as lines of JSON, in one documented format (docs/logging.md)."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import msgspec

from .logs import FIELD_NAMES

# The attributes that every record has: any other one comes from `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JSONFormatter(logging.Formatter):
    """Writes a record as one line of JSON: time, level, logger, text, the fields that apply, and those of `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
            "process": record.process,
        }
        for name in FIELD_NAMES:
            value = getattr(record, name, None)
            if value is not None:
                line[name] = value
        for name, value in vars(record).items():
            if name not in _STANDARD and name not in line and value is not None:
                line[name] = value
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        try:
            return _encode(line).decode()
        except (TypeError, ValueError, RecursionError):
            # Text that UTF-8 cannot express, keys that are no text, an object that contains itself.
            plain = {name: value if isinstance(value, _PLAIN) else repr(value) for name, value in line.items()}
            return json.dumps(plain)


_PLAIN = (str, int, float, bool)
# What JSON cannot express, such as an object in `extra`, becomes its `repr`: a line must not be lost for it.
_encode = msgspec.json.Encoder(enc_hook=repr).encode
