"""Token buckets, which limit rates. Pure: the clock is passed in."""

from __future__ import annotations

from collections.abc import Callable

# Buckets to keep in memory. Full buckets are forgotten first, then the oldest.
MAX_BUCKETS = 10_000


class TokenBucket:
    """Allows `calls` calls at once, and as many again in each period.

    Arguments:
        calls: the number of calls.
        period: seconds.
        now: the time in seconds.
    """

    __slots__ = ("_at", "_calls", "_period", "_tokens")

    def __init__(self, calls: int, period: float, now: float) -> None:
        self._calls = calls
        self._period = period
        self._tokens = float(calls)
        self._at = now

    def take(self, now: float) -> float:
        """Take one call out.

        Arguments:
            now: the time in seconds, on the clock of the constructor.

        Returns:
            0.0 if there was one; otherwise the seconds until there is.
        """
        tokens = self._tokens_at(now)
        self._at = now
        if tokens >= 1.0:
            self._tokens = tokens - 1.0
            return 0.0
        self._tokens = tokens
        return (1.0 - tokens) * self._period / self._calls

    def is_full(self, now: float) -> bool:
        """Return whether nothing is missing, so that the bucket can be forgotten."""
        return self._tokens_at(now) >= self._calls

    def _tokens_at(self, now: float) -> float:
        return min(float(self._calls), self._tokens + (now - self._at) * self._calls / self._period)


class TokenBuckets:
    """Buckets by name, in the memory of this process. Their number is bounded.

    Arguments:
        clock: returns the time in seconds.
    """

    __slots__ = ("_buckets", "_clock")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, name: str, calls: int, period: float) -> float:
        """Take one call out of a bucket, which is full at first; see `TokenBucket.take`."""
        now = self._clock()
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= MAX_BUCKETS:
                self._forget(now)
            bucket = self._buckets[name] = TokenBucket(calls, period, now)
        return bucket.take(now)

    def _forget(self, now: float) -> None:
        """Make room for many, so that looking at all buckets costs little for each new one."""
        for name in [name for name, bucket in self._buckets.items() if bucket.is_full(now)]:
            del self._buckets[name]
        room = MAX_BUCKETS // 8
        oldest = list(self._buckets)[: max(0, len(self._buckets) + room - MAX_BUCKETS)]
        for name in oldest:
            del self._buckets[name]
