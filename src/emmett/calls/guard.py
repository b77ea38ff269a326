"""What one connection may call: rates, streams, sizes; and whether it goes on calling what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, Raw, UnsetType

from ..config import CallsSettings
from .jsonrpc import Error, ErrorCode
from .limits import Rate, TokenBucket, parse_rate
from .method import Method, MethodKind

# Users whose buckets are kept. Those that are full again are forgotten first.
MAX_USERS = 10_000


class UserBuckets:
    """The calls of users, over all their connections to this process.

    Arguments:
        clock: the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    def take(self, user: str, method: Method, rate: Rate) -> float:
        """Count a call of a user; returns 0.0, or the seconds to wait."""
        now, key = self._clock(), (user, method.name)
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= MAX_USERS:
                self._forget(now)
            bucket = self._buckets[key] = TokenBucket(rate, now)
        return bucket.take(now)

    def _forget(self, now: float) -> None:
        for key in [key for key, bucket in self._buckets.items() if bucket.is_full(now)]:
            del self._buckets[key]
        while len(self._buckets) >= MAX_USERS:
            del self._buckets[next(iter(self._buckets))]


class Guard:
    """Watches over the calls of one connection.

    Arguments:
        users: the buckets of users.
        user: whose connection it is; None for nobody in particular.
        settings: the bounds.
        clock: the time in seconds.

    Attributes:
        is_abused: the client has gone on with what is refused, and the connection is to be closed.
    """

    __slots__ = ("_buckets", "_clock", "_refusals", "_settings", "_user", "_users", "is_abused")

    def __init__(
        self, users: UserBuckets, user: str | None, settings: CallsSettings, clock: Callable[[], float]
    ) -> None:
        self._users = users
        self._user = user
        self._settings = settings
        self._clock = clock
        self._buckets: dict[str, TokenBucket] | None = None
        self._refusals: TokenBucket | None = None
        self.is_abused = False

    def check(self, method: Method, params: Raw | UnsetType, streams: int) -> Error | None:
        """Return why a call is refused; None where it may go on.

        Arguments:
            method: what is called.
            params: its parameters, encoded.
            streams: how many streams of this connection are running.
        """
        options = method.options
        if options.max_params_size is not None and params is not UNSET:
            size = memoryview(params).nbytes
            if size > options.max_params_size:
                text = f"the parameters are {size} bytes long, at most {options.max_params_size} are taken"
                return Error(ErrorCode.INVALID_PARAMS, "Invalid params", [{"path": [], "message": text}])
        if method.kind is MethodKind.STREAM and streams >= self._settings.max_streams:
            return _exceeded(f"{streams} streams are open, at most {self._settings.max_streams} may be", 1.0)
        if options.limit is None:
            return None
        wait = self._take(method, options.limit)
        return None if wait == 0.0 else _exceeded(f"{method.name!r} may be called {options.limit}", wait)

    def refused(self) -> None:
        """Count a refused message."""
        now = self._clock()
        if self._refusals is None:
            self._refusals = TokenBucket(parse_rate(self._settings.max_refusals), now)
        if self._refusals.take(now) > 0.0:
            self.is_abused = True

    def _take(self, method: Method, rate: Rate) -> float:
        if method.options.per == "user" and self._user is not None:
            return self._users.take(self._user, method, rate)
        now = self._clock()
        if self._buckets is None:
            self._buckets = {}
        bucket = self._buckets.get(method.name)
        if bucket is None:
            bucket = self._buckets[method.name] = TokenBucket(rate, now)
        return bucket.take(now)


def _exceeded(message: str, retry_after: float) -> Error:
    data: dict[str, Any] = {"retry_after": round(retry_after, 3)}
    return Error(ErrorCode.LIMIT_EXCEEDED, f"Limit exceeded: {message}", data)
