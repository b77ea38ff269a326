from __future__ import annotations

from dataclasses import fields

from emmett.channels.stats import Counters
from emmett.observers import ChannelGap, Observer, Observers


def test_counters_begin_at_zero() -> None:
    counters = Counters()
    numbers = [getattr(counters, each.name) for each in fields(counters) if each.type == "int"]
    assert numbers == [0] * 7
    assert counters.queued == 0


class Gaps(Observer):
    def __init__(self) -> None:
        self.seen: list[ChannelGap] = []

    def channel_gap(self, event: ChannelGap) -> None:
        self.seen.append(event)


def test_gaps_are_counted_and_reported() -> None:
    gaps = Gaps()
    counters = Counters(observers=Observers([gaps]))
    counters.miss("room:1")
    counters.heal("room:2")
    assert (counters.gaps, counters.healed) == (1, 1)
    assert gaps.seen == [ChannelGap("room:1", False), ChannelGap("room:2", True)]
