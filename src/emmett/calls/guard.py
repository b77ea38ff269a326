"""Limits of one connection: rates, streams and sizes; and whether it keeps making refused calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, Raw, UnsetType

from ..config import CallsSettings
from ..token_buckets import TokenBucket
from .jsonrpc import Error, ErrorCode
from .limits import Rate, parse_rate
from .method import Method, MethodKind


class Guard:
    """Checks the calls of one connection against its limits.

    Arguments:
        has_user: whether the connection belongs to a user, whose calls are counted elsewhere (`user_limits.py`).
        settings: the bounds.
        clock: returns the time in seconds.

    Attributes:
        is_abused: whether the client kept making refused calls, so that the connection must be closed.
    """

    __slots__ = ("_buckets", "_clock", "_has_user", "_refusals", "_settings", "is_abused")

    def __init__(self, has_user: bool, settings: CallsSettings, clock: Callable[[], float]) -> None:
        self._has_user = has_user
        self._settings = settings
        self._clock = clock
        self._buckets: dict[str, TokenBucket] | None = None
        self._refusals: TokenBucket | None = None
        self.is_abused = False

    def check(self, method: Method, params: Raw | UnsetType, streams: int) -> Error | None:
        """Return why a call is refused; None if it may run.

        Arguments:
            method: the method.
            params: its encoded parameters.
            streams: the number of streams that are running on this connection.
        """
        options = method.options
        if options.max_params_size is not None and params is not UNSET:
            size = memoryview(params).nbytes
            if size > options.max_params_size:
                text = f"the parameters are {size} bytes long, at most {options.max_params_size} are allowed"
                return Error(ErrorCode.INVALID_PARAMS, "Invalid params", [{"path": [], "message": text}])
        if method.kind is MethodKind.STREAM and streams >= self._settings.max_streams:
            return _exceeded(f"{streams} streams are open, at most {self._settings.max_streams} are allowed", 1.0)
        if options.limit is None or (self._has_user and method.is_limited_per_user):
            return None
        wait = self._take(method, options.limit)
        return None if wait == 0.0 else exceeded(method, options.limit, wait)

    def refused(self) -> None:
        """Count a refused message."""
        now = self._clock()
        if self._refusals is None:
            self._refusals = TokenBucket(*parse_rate(self._settings.max_refusals), now)
        if self._refusals.take(now) > 0.0:
            self.is_abused = True

    def _take(self, method: Method, rate: Rate) -> float:
        now = self._clock()
        if self._buckets is None:
            self._buckets = {}
        bucket = self._buckets.get(method.name)
        if bucket is None:
            bucket = self._buckets[method.name] = TokenBucket(*rate, now)
        return bucket.take(now)


def exceeded(method: Method, rate: Rate, wait: float) -> Error:
    """Return the error for a call that exceeds a rate and may be repeated after `wait` seconds."""
    return _exceeded(f"{method.name!r} may be called {rate}", wait)


def _exceeded(message: str, retry_after: float) -> Error:
    data: dict[str, Any] = {"retry_after": round(retry_after, 3)}
    return Error(ErrorCode.LIMIT_EXCEEDED, f"Limit exceeded: {message}", data)
