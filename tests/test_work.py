"""Work is counted, and work that grows faster than its input is found out."""

from __future__ import annotations

import sys

import pytest

from tests.work import LineCount, check_linear


def loop(count: int) -> None:
    for _ in range(count):
        pass


def test_lines_of_called_functions_are_counted() -> None:
    counted = []
    for size in (10, 1010):
        with LineCount() as count:
            loop(size)
        counted.append(count.lines)
    assert counted[1] - counted[0] == 2 * 1000


async def test_lines_of_coroutines_count_too() -> None:
    async def work() -> None:
        loop(1000)

    with LineCount() as count:
        await work()
    assert count.lines >= 2000


def test_the_previous_tracer_is_restored() -> None:
    before = sys.gettrace()
    with pytest.raises(LookupError), LineCount():
        raise LookupError
    assert sys.gettrace() is before


def test_linear_work_passes() -> None:
    check_linear(loop, 8000)


def test_quadratic_work_fails() -> None:
    with pytest.raises(AssertionError, match="for 8 times the input"):
        check_linear(lambda size: loop(size * size), 1000)
