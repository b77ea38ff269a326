"""What the channels of a process have done, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..observers import Observers, SlowConsumer, notify


@dataclass(slots=True)
class Counters:
    """Counted since the start of the process.

    Attributes:
        published: publications of this process.
        delivered: publications handed to subscribers, counted for each.
        dropped: publications that slow subscribers missed.
        disconnected: subscribers that were ended for being too slow.
        gaps: times that a channel's subscribers were told of a gap.
        healed: times that missed publications were found in the history.
        rejected: publications from the broker that could not be read.
        observers: learn what happens to channels and their subscribers.
    """

    published: int = 0
    delivered: int = 0
    dropped: int = 0
    disconnected: int = 0
    gaps: int = 0
    healed: int = 0
    rejected: int = 0
    observers: Observers = field(default_factory=Observers)

    def disconnect(self, channel: str, reason: str) -> None:
        """Count a subscriber that is ended for being too slow.

        Arguments:
            channel: the channel of a publication that it had no room for.
            reason: what happened, in words.
        """
        self.disconnected += 1
        if self.observers.slow_consumer:
            notify(self.observers.slow_consumer, SlowConsumer("subscriber", None, None, channel, reason))
