"""The last resort against a process that does not end: a thread or a handler that blocks it."""

from __future__ import annotations

import faulthandler
import sys

# Seconds for Python to end a process once its server has stopped. It waits for threads, such as those of `to_thread`.
EXIT_MARGIN = 5.0


def limit_exit(seconds: float = EXIT_MARGIN) -> None:
    """End this process with status 1 after some seconds, and print to stderr where each of its threads is.

    It works without the interpreter's lock, and while Python shuts down. It may be called in a signal handler.
    """
    if sys.__stderr__ is not None:
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)


def cancel_exit_limit() -> None:
    """Let this process live."""
    faulthandler.cancel_dump_traceback_later()
