from __future__ import annotations

import asyncio

import pytest

from emmett.errors import ConfigurationError
from emmett.testing.deadline import checked_timeout, deadline


async def test_the_error_says_what_was_awaited() -> None:
    with pytest.raises(TimeoutError, match=r"^no bus within 0\.01 s; 3 passed before$"):
        async with deadline(0.01, lambda within: f"no bus {within}; 3 passed before"):
            await asyncio.Event().wait()


async def test_the_error_of_another_deadline_is_not_changed() -> None:
    with pytest.raises(TimeoutError, match="mine"):
        async with deadline(10, lambda within: "not this one"):
            raise TimeoutError("mine")


async def test_a_quick_block_passes() -> None:
    async with deadline(10, str):
        await asyncio.sleep(0)


@pytest.mark.parametrize("seconds", [0, -1, None, "5", True, float("nan")])
def test_an_invalid_timeout_is_refused(seconds: object) -> None:
    with pytest.raises(ConfigurationError, match="expected a number of seconds above 0"):
        checked_timeout(seconds)


@pytest.mark.parametrize("seconds", [1, 0.5])
def test_a_valid_timeout_is_returned(seconds: float) -> None:
    assert checked_timeout(seconds) == seconds
