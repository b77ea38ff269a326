from __future__ import annotations

import pytest

from emmett.channels.brokers.backoff import FIRST_PAUSE, MAX_PAUSE, backoff


def test_the_pause_doubles_with_each_attempt_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)
    assert [backoff(attempt) for attempt in range(4)] == [FIRST_PAUSE * factor for factor in (1, 2, 4, 8)]
    assert backoff(6) == backoff(100_000) == MAX_PAUSE
    assert backoff(3, first=0.001, longest=0.005) == 0.005


def test_the_jitter_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([0.0, 0.25, 0.999])
    monkeypatch.setattr("random.random", lambda: next(draws))
    assert [backoff(0, first=4.0) for _ in range(3)] == [0.0, 1.0, 3.996]
