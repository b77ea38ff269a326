"""Counts work instead of measuring time, which differs between runs and machines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

# What a garbage collection or an empty cache may add to either count.
SLACK = 500


class LineCount:
    """Counts the lines of Python that run in the functions called inside a `with` block, in this thread.

    What runs in C counts as the line that calls it.
    """

    def __init__(self) -> None:
        self.lines = 0

    def __enter__(self) -> LineCount:
        self._trace_before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        sys.settrace(self._trace_before)

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        if event == "line":
            self.lines += 1
        return self._trace


def check_linear(run: Callable[[int], object], size: int) -> None:
    """Check that the work grows in proportion to the size of the input, and no faster.

    Lines are counted for a small input and one eight times as large. Then a run that is not traced, again eight times
    as large, shows the work in C, which cannot be counted: if that grew with the square of the size, it would take
    minutes, and `faulthandler_timeout` would end it. Choose the size accordingly.

    Arguments:
        run: does the work for an input of the size given.
        size: of the largest input.
    """
    small, medium = LineCount(), LineCount()
    with small:
        run(size // 64)
    with medium:
        run(size // 8)
    # Quadratic work would take 64 times as many.
    assert medium.lines <= 16 * small.lines + SLACK, f"{small.lines} lines became {medium.lines} for 8 times the input"
    run(size)
