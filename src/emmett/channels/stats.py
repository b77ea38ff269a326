"""Statistics of the channels of a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ..observers import ChannelGap, Observers, SlowConsumer, notify


class Waiting(Protocol):
    """A receiver that keeps publications."""

    @property
    def backlog_count(self) -> int:
        """The number of publications that it keeps."""


@dataclass(slots=True)
class Counters:
    """Counters since the start of the process.

    Attributes:
        published: publications of this process.
        delivered: publications delivered, counted once per subscriber.
        dropped: publications that slow subscribers missed.
        disconnected: subscribers ended because they were too slow.
        gaps: gaps reported to the subscribers of a channel.
        healed: recoveries of missed publications from the history.
        rejected: publications from the broker that could not be read.
        observers: the observers to notify of events of channels and their subscribers.
        waiting: the receivers for which publications may wait.
    """

    published: int = 0
    delivered: int = 0
    dropped: int = 0
    disconnected: int = 0
    gaps: int = 0
    healed: int = 0
    rejected: int = 0
    observers: Observers = field(default_factory=Observers)
    waiting: set[Waiting] = field(default_factory=set)

    @property
    def queued(self) -> int:
        """The number of publications that wait for their subscribers."""
        return sum(receiver.backlog_count for receiver in self.waiting)

    def disconnect(self, channel: str, reason: str) -> None:
        """Count a subscriber that is ended because it is too slow.

        Arguments:
            channel: the channel of the publication that the subscriber had no room for.
            reason: a description of the cause.
        """
        self.disconnected += 1
        if self.observers.slow_consumer:
            notify(self.observers.slow_consumer, SlowConsumer("subscriber", None, None, channel, reason, cause="queue"))

    def miss(self, channel: str) -> None:
        """Count a gap that is reported to the subscribers of a channel."""
        self.gaps += 1
        if self.observers.channel_gap:
            notify(self.observers.channel_gap, ChannelGap(channel, False))

    def heal(self, channel: str) -> None:
        """Count a recovery of missed publications from the history of a channel."""
        self.healed += 1
        if self.observers.channel_gap:
            notify(self.observers.channel_gap, ChannelGap(channel, True))
