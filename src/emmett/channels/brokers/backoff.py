"""How long to wait before the next attempt."""

from __future__ import annotations

import random

# Seconds before connecting again: a random part of this, which doubles with each attempt that failed.
FIRST_PAUSE = 0.1
MAX_PAUSE = 5.0
# More doublings than any pause needs would only make large numbers.
_MAX_DOUBLINGS = 16


def backoff(attempt: int, first: float = FIRST_PAUSE, longest: float = MAX_PAUSE) -> float:
    """Return the seconds to wait before an attempt, with full jitter.

    The pause is a random part of `first`, doubled for each attempt before, up to `longest`. A thousand nodes that lose
    a server at the same moment therefore do not come back at the same moment.

    Arguments:
        attempt: how many attempts have failed since the last success.
        first: seconds, the upper bound of the first pause.
        longest: seconds, the upper bound of every pause.
    """
    return random.random() * min(longest, first * 2.0 ** min(attempt, _MAX_DOUBLINGS))
