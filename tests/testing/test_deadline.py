from __future__ import annotations

import asyncio

import pytest

from emmett.errors import ConfigurationError
from emmett.testing.deadline import checked_timeout, deadline


async def test_the_error_says_what_was_awaited() -> None:
    with pytest.raises(TimeoutError, match=r"^no bus within 0\.01 s; 3 passed before$"):
        async with deadline(0.01, lambda within: f"no bus {within}; 3 passed before"):
            await asyncio.Event().wait()


async def test_the_error_of_another_deadline_passes() -> None:
    with pytest.raises(TimeoutError, match="mine"):
        async with deadline(10, lambda within: "not this one"):
            raise TimeoutError("mine")


async def test_a_block_that_is_quick_enough() -> None:
    async with deadline(10, str):
        await asyncio.sleep(0)


@pytest.mark.parametrize("seconds", [0, -1, None, "5", True, float("nan")])
def test_a_timeout_that_cannot_be(seconds: object) -> None:
    with pytest.raises(ConfigurationError, match="expected a number of seconds above 0"):
        checked_timeout(seconds)


@pytest.mark.parametrize("seconds", [1, 0.5])
def test_a_timeout(seconds: float) -> None:
    assert checked_timeout(seconds) == seconds
