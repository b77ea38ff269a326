"""The last resort if a blocked thread or handler keeps a process from ending."""

from __future__ import annotations

import faulthandler
import sys

# Seconds for Python to end a process after its server has stopped. It waits for threads, such as those of `to_thread`.
EXIT_MARGIN = 5.0


def limit_exit(seconds: float = EXIT_MARGIN) -> None:
    """End this process with status 1 after some seconds, and print the stack of each of its threads to stderr.

    This works without the interpreter's lock and while Python shuts down, and may be called in a signal handler.
    """
    if sys.__stderr__ is not None:
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)


def cancel_exit_limit() -> None:
    """Cancel `limit_exit`."""
    faulthandler.cancel_dump_traceback_later()
