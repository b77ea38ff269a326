"""A deadline whose error says what was awaited."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from ..errors import ConfigurationError


@contextlib.asynccontextmanager
async def deadline(seconds: float, describe: Callable[[str], str]) -> AsyncIterator[None]:
    """Limit the time of a block.

    Arguments:
        seconds: the time limit.
        describe: returns the message if time runs out; it is called with a text such as "within 5 s".

    Raises:
        TimeoutError: time ran out; the message is that of `describe`.
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
    """Return a number of seconds after checking it.

    Raises:
        ConfigurationError: it is not a number above 0.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ConfigurationError(f"timeout={seconds!r}: expected a number of seconds above 0")
    return seconds
