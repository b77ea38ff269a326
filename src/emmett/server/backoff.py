"""`Backoff`: the delay before a failed process is started again."""

from __future__ import annotations

# Seconds before the second start in a row, doubled for each further one, and the maximum.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# Seconds after which earlier failures no longer count.
MEMORY = 60.0


class Backoff:
    """Counts failures in a row.

    Attributes:
        failures: the number of failures in a row.
    """

    def __init__(self) -> None:
        self.failures = 0
        self._last = 0.0

    def fail(self, now: float) -> float:
        """Count a failure.

        Arguments:
            now: the time of a monotonic clock, in seconds.

        Returns:
            The seconds to wait: 0 after the first failure.
        """
        self.failures = 1 if now - self._last > MEMORY else self.failures + 1
        self._last = now
        return 0.0 if self.failures == 1 else min(FIRST_PAUSE * 2.0 ** min(self.failures - 2, 10), LONGEST_PAUSE)
