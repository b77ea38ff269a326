"""Limits per user, over all connections of the user; with a broker, on all nodes."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable

from ..channels import Channels
from ..errors import BrokerUnavailable, UsageError
from ..token_buckets import TokenBuckets
from .limits import Rate

# Seconds to wait for the broker's answer; after that the limit of this process applies.
BROKER_TIMEOUT = 1.0
# Seconds to wait before asking a broker again that did not answer.
BROKER_PAUSE = 1.0
# The namespace of the token buckets, reserved for emmett.
NAMESPACE = "emmett-calls"

logger = logging.getLogger("emmett.calls")


class UserLimits:
    """Counts the calls of users.

    Arguments:
        name: the name of the route.
        clock: returns the time in seconds.
        channels: returns the channels of the application; None if it has none.
    """

    def __init__(self, name: str, clock: Callable[[], float], channels: Callable[[], Channels | None]) -> None:
        self._name = name
        self._clock = clock
        self._channels = channels
        # Used without a broker, and while the broker does not answer.
        self._local = TokenBuckets(clock)
        # When to ask the broker again; None while it answers.
        self._asks_again: float | None = None

    async def take(self, user: str, method: str, rate: Rate) -> float:
        """Count a call of a user.

        Returns:
            0.0 if it may run; otherwise the seconds to wait.
        """
        bucket = _bucket(self._name, method, str(rate), user)
        channels = self._channels()
        if channels is not None and (self._asks_again is None or self._clock() >= self._asks_again):
            wait = await self._ask(channels, bucket, rate)
            if wait is not None:
                return wait
        return self._local.take(bucket, *rate)

    async def _ask(self, channels: Channels, bucket: str, rate: Rate) -> float | None:
        """Return the answer of the broker; None if there is none."""
        try:
            async with asyncio.timeout(BROKER_TIMEOUT) as deadline:
                wait = await channels.take(bucket, *rate)
        except (BrokerUnavailable, UsageError) as error:
            self._note_silence(str(error))
        except TimeoutError:
            if not deadline.expired():
                raise
            self._note_silence(f"no answer within {BROKER_TIMEOUT:g} s")
        else:
            if self._asks_again is not None:
                self._asks_again = None
                logger.info("%s: limits per user are shared by all nodes again", self._name)
            return wait
        return None

    def _note_silence(self, reason: str) -> None:
        if self._asks_again is None:
            logger.warning("%s: limits per user count in each process separately for now: %s", self._name, reason)
        self._asks_again = self._clock() + BROKER_PAUSE


def _bucket(*parts: str) -> str:
    """Return the name of a token bucket. It contains a hash, since users may have any name of any length."""
    joined = "\n".join(f"{len(part)}:{part}" for part in parts)
    digest = hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{NAMESPACE}:{digest}"
