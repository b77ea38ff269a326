from __future__ import annotations

from dataclasses import fields

from emmett.channels.stats import Counters


def test_counters_begin_at_nothing() -> None:
    counters = Counters()
    numbers = [getattr(counters, each.name) for each in fields(counters) if each.name != "observers"]
    assert numbers == [0] * 7
