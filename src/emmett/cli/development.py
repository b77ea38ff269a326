"""The target that `emmett develop` passes to the server: the user's application, with readable tracebacks.

The server's child process imports `emmett.cli.development:app` again after each change, so an error in the
application's import is always printed in the same way as at the first start.
"""

from __future__ import annotations

import importlib
import logging
import os
from operator import attrgetter

from ..app import App
from ..environment import DEVELOP
from .blocking import watch_running_loop
from .error_page import render_error_page
from .tracebacks import make_log_records_readable, print_traceback

TARGET = f"{__name__}:app"
# Messages of the server about its processes; the start-up message has all that a developer needs.
PROCESS_TALK = (
    "Started reloader process",
    "Stopping reloader process",
    "Started server process",
    "Finished server process",
    "Listening on",
    "Messages pass",
    "Will watch for changes in",
    "Waiting for application startup",
    "Waiting for application shutdown",
)


def __getattr__(name: str) -> App:
    # Not a module variable: only a serving process imports the application.
    if name == "app":
        return _load(os.environ[DEVELOP])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def quieten_server() -> None:
    """Drop the log messages of the server about its processes."""
    logging.getLogger("uvicorn.error").addFilter(_is_worth_reading)


def _load(import_string: str) -> App:
    quieten_server()
    make_log_records_readable()
    module, _, name = import_string.partition(":")
    try:
        app: App = attrgetter(name)(importlib.import_module(module))
    except Exception as error:
        print_traceback(error)
        # The process that watches the files waits for the next change.
        raise SystemExit(1) from None
    app.on_startup(watch_running_loop)
    app.table.explain_error = render_error_page
    return app


def _is_worth_reading(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(PROCESS_TALK)
