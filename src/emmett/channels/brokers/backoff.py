"""Compute the pause before the next attempt."""

from __future__ import annotations

import random

# Seconds, the upper bound of the first random pause before reconnecting. It doubles with each failed attempt.
FIRST_PAUSE = 0.1
MAX_PAUSE = 5.0
# Further doublings would only make large numbers.
_MAX_DOUBLINGS = 16


def backoff(attempt: int, first: float = FIRST_PAUSE, longest: float = MAX_PAUSE) -> float:
    """Return the seconds to wait before an attempt, with full jitter.

    The pause is a random part of `first`, doubled for each failed attempt, up to `longest`. A thousand nodes that lose
    a server at the same moment therefore do not come back at the same moment.

    Arguments:
        attempt: the number of failed attempts since the last success.
        first: the upper bound of the first pause, in seconds.
        longest: the upper bound of every pause, in seconds.
    """
    return random.random() * min(longest, first * 2.0 ** min(attempt, _MAX_DOUBLINGS))
