"""How long to wait before a process that has failed is started again."""

from __future__ import annotations

from emmett.server.backoff import LONGEST_PAUSE, MEMORY, Backoff


def test_the_first_failure_costs_no_time_and_each_further_one_twice_as_much() -> None:
    backoff = Backoff()
    assert [backoff.fail(100.0) for _ in range(5)] == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert backoff.failures == 5


def test_the_pause_has_an_end() -> None:
    backoff = Backoff()
    assert max(backoff.fail(100.0) for _ in range(2000)) == LONGEST_PAUSE


def test_a_failure_is_forgotten() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.fail(100.0)
    assert backoff.fail(100.0 + MEMORY + 1) == 0.0
    assert backoff.failures == 1
