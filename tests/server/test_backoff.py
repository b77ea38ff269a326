"""The pause before a failed process is started again."""

from __future__ import annotations

from emmett.server.backoff import LONGEST_PAUSE, MEMORY, Backoff


def test_the_first_failure_has_no_pause_and_further_ones_double_it() -> None:
    backoff = Backoff()
    assert [backoff.fail(100.0) for _ in range(5)] == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert backoff.failures == 5


def test_the_pause_has_a_limit() -> None:
    backoff = Backoff()
    assert max(backoff.fail(100.0) for _ in range(2000)) == LONGEST_PAUSE


def test_failures_are_forgotten_after_a_while() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.fail(100.0)
    assert backoff.fail(100.0 + MEMORY + 1) == 0.0
    assert backoff.failures == 1
