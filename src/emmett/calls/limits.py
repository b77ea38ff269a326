"""Limits on calls: rates such as "20/s". Pure."""

from __future__ import annotations

from typing import NamedTuple

from ..config import RATE
from ..errors import ConfigurationError

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Rate(NamedTuple):
    """A number of calls in a period.

    Fields:
        calls: the most calls in each period; they may all come at once.
        period: the period in seconds.
    """

    calls: int
    period: float

    def __str__(self) -> str:
        unit = next((unit for unit, seconds in _SECONDS.items() if seconds == self.period), None)
        return f"{self.calls}/{unit}" if unit else f"{self.calls}/{self.period:g}s"


def parse_rate(text: str) -> Rate:
    """Return the rate for a text such as "20/s", "100/m" or "5/10s".

    Raises:
        ConfigurationError: the text is not a rate.
    """
    match = RATE.fullmatch(str(text))
    if match is None:
        raise ConfigurationError(f'limit {text!r}: expected calls and a period, as in "20/s", "100/m" or "5/10s"')
    return Rate(int(match[1]), int(match[2] or 1) * _SECONDS[match[3]])
