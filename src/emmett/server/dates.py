"""The date of a response."""

from __future__ import annotations

import time

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(seconds: float) -> bytes:
    """Return a time as HTTP writes it (RFC 9110, 5.6.7).

    `email.utils` would do the same, and import twelve modules for it at each start.

    Arguments:
        seconds: the time since the epoch.
    """
    year, month, day, hour, minute, second, weekday = time.gmtime(seconds)[:7]
    date = f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"
    return date.encode("ascii")
