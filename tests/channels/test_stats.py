from __future__ import annotations

from emmett.channels.stats import Counters


def test_counters_begin_at_nothing() -> None:
    assert Counters() == Counters(0, 0, 0, 0, 0, 0, 0)
