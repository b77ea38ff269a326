"""Fixtures of the tests of the examples."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def _no_attempts_to_log_in() -> None:
    """Forget how often each address has tried to log in to the board: all tests come from the same address."""
    board = sys.modules.get("examples.board.app")
    if board is not None:
        board.channels._broker.bus.buckets._buckets.clear()
