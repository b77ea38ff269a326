"""Statistics of the channels of a process."""

from __future__ import annotations

from typing import Protocol

from ..observers import ChannelGap, Observers, SlowConsumer, notify


class Waiting(Protocol):
    """A receiver that keeps publications."""

    @property
    def backlog_count(self) -> int:
        """The number of publications that it keeps."""


class Counters:
    """Counters since the start of the process.

    Arguments:
        observers: the observers to notify of events of channels and their subscribers.

    Attributes:
        published: publications of this process.
        delivered: publications delivered, counted once per subscriber.
        dropped: publications that slow subscribers missed.
        disconnected: subscribers ended because they were too slow.
        gaps: gaps reported to the subscribers of a channel.
        healed: recoveries of missed publications from the history.
        rejected: publications from the broker that could not be read.
        waiting: the receivers for which publications may wait.
    """

    __slots__ = (
        *("delivered", "disconnected", "dropped", "gaps", "healed", "observers", "published", "rejected", "waiting"),
    )

    def __init__(self, observers: Observers | None = None) -> None:
        self.published = 0
        self.delivered = 0
        self.dropped = 0
        self.disconnected = 0
        self.gaps = 0
        self.healed = 0
        self.rejected = 0
        self.observers = Observers() if observers is None else observers
        self.waiting: set[Waiting] = set()

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
