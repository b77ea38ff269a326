"""A deadline whose error says what was awaited."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from ..errors import ConfigurationError


@contextlib.asynccontextmanager
async def deadline(seconds: float, describe: Callable[[str], str]) -> AsyncIterator[None]:
    """Bound a block.

    Arguments:
        seconds: how long it may take.
        describe: says, when the time is over, what did not happen; it is given "within 5 s".

    Raises:
        TimeoutError: with what `describe` returns.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise TimeoutError(describe(f"within {seconds:g} s")) from None


def checked_timeout(seconds: object) -> float:
    """Return a number of seconds.

    Raises:
        ConfigurationError: it is none, or not above 0.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ConfigurationError(f"timeout={seconds!r}: expected a number of seconds above 0")
    return seconds
