"""Log events that may occur with every message without flooding the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

# Seconds until the same warning is logged again.
PAUSE = 60.0


class RareLog:
    """Logs each kind of warning at most once a minute, with the number of repetitions in between.

    Arguments:
        logger: the logger to write to.
        pause: seconds until the same warning is logged again.
        clock: returns the time in seconds.
    """

    def __init__(
        self, logger: logging.Logger, pause: float = PAUSE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._pause = pause
        self._clock = clock
        # When each text was last logged, and how often it was left out since.
        self._last: dict[str, tuple[float, int]] = {}

    def warn(self, text: str, *details: object) -> None:
        """Log a warning.

        Arguments:
            text: the event, with a placeholder for each of the details. Each text has its own pause, so parts that
                differ from message to message belong in the details.
        """
        now = self._clock()
        since, count = self._last.get(text, (-self._pause, 0))
        if now - since < self._pause:
            self._last[text] = (since, count + 1)
            return
        self._last[text] = (now, 0)
        again = f" ({count} more since it was last logged)" if count else ""
        self._logger.warning(text + again, *details)
