from __future__ import annotations

from emmett.channels.stats import Counters
from emmett.observers import ChannelGap, Observer, Observers


def test_counters_begin_at_zero() -> None:
    counters = Counters()
    names = ("published", "delivered", "dropped", "disconnected", "gaps", "healed", "rejected")
    assert [getattr(counters, name) for name in names] == [0] * 7
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
