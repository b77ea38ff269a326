"""Limits on calls: rates such as "20/s", kept by token buckets. Pure: the clock is passed in."""

from __future__ import annotations

from typing import NamedTuple

from ..config import RATE
from ..errors import ConfigurationError

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Rate(NamedTuple):
    """So many calls in so many seconds.

    Fields:
        calls: how many may come at once, and in each period.
        period: seconds.
    """

    calls: int
    period: float

    @property
    def per_second(self) -> float:
        """Calls that become available each second."""
        return self.calls / self.period

    def __str__(self) -> str:
        unit = next((unit for unit, seconds in _SECONDS.items() if seconds == self.period), None)
        return f"{self.calls}/{unit}" if unit else f"{self.calls}/{self.period:g}s"


def parse_rate(text: str) -> Rate:
    """Return the rate for a text such as "20/s", "100/m" or "5/10s".

    Raises:
        ConfigurationError: it is no rate.
    """
    match = RATE.fullmatch(str(text))
    if match is None:
        raise ConfigurationError(f'limit {text!r}: expected calls and a period, as in "20/s", "100/m" or "5/10s"')
    return Rate(int(match[1]), int(match[2] or 1) * _SECONDS[match[3]])


class TokenBucket:
    """Lets `rate.calls` calls through at once, and as many again in each period.

    Arguments:
        rate: how many.
        now: the time in seconds.
    """

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.calls)
        self._at = now

    def take(self, now: float) -> float:
        """Take one call out.

        Arguments:
            now: the time in seconds, on the clock of the constructor.

        Returns:
            0.0 where it may go on; otherwise the seconds after which one may.
        """
        rate = self._rate
        tokens = min(float(rate.calls), self._tokens + (now - self._at) * rate.per_second)
        self._at = now
        if tokens >= 1.0:
            self._tokens = tokens - 1.0
            return 0.0
        self._tokens = tokens
        return (1.0 - tokens) / rate.per_second

    def is_full(self, now: float) -> bool:
        """Return whether nothing is taken: the bucket can be forgotten."""
        return self._tokens + (now - self._at) * self._rate.per_second >= self._rate.calls
