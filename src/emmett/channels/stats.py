"""What the channels of a process have done, in numbers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Counted since the start of the process.

    Attributes:
        published: publications of this process.
        delivered: publications handed to subscribers, counted for each.
        dropped: publications that slow subscribers missed.
        disconnected: subscribers that were ended for being too slow.
        gaps: times that a channel's subscribers were told of a gap.
        healed: times that missed publications were found in the history.
        rejected: publications from the broker that could not be read.
    """

    published: int = 0
    delivered: int = 0
    dropped: int = 0
    disconnected: int = 0
    gaps: int = 0
    healed: int = 0
    rejected: int = 0


class RareLog:
    """Logs what may happen to every message, each kind once in a while, with how often it came meanwhile.

    Arguments:
        logger: where to.
        pause: seconds until the same is logged again.
        clock: the time in seconds.
    """

    def __init__(
        self, logger: logging.Logger, pause: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._pause = pause
        self._clock = clock
        # By text when it was logged, and how often it came since.
        self._last: dict[str, tuple[float, int]] = {}

    def warn(self, text: str, *details: object) -> None:
        """Log a warning.

        Arguments:
            text: what happened, with a place for each of the details; each text has its own pause.
        """
        now = self._clock()
        since, count = self._last.get(text, (-self._pause, 0))
        if now - since < self._pause:
            self._last[text] = (since, count + 1)
            return
        self._last[text] = (now, 0)
        again = f" ({count} more since it was last said)" if count else ""
        self._logger.warning(text + again, *details)
