"""The health of the channels of a process, checked at most every few seconds, and only on request."""

from __future__ import annotations

import asyncio

from ..channels import Channels, Health
from ..channels.topic import Topic
from .answers import BrokerOverview, ChannelList, ChannelRow
from .picking import convert, pick
from .questions import AskChannels

# Seconds for which a result is reused.
KEPT = 5.0
# Seconds to wait for the first result; after that, questions get the last result.
WAIT = 0.5
# The prefix of the names of emmett's internal channels.
INTERNAL = "emmett-"


class BrokerHealth:
    """The health of channels.

    Arguments:
        channels: the channels.
    """

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._check: asyncio.Task[Health] | None = None
        self._last: Health | None = None
        self._asked_at = 0.0

    async def overview(self) -> BrokerOverview:
        """Return the last known health, and check again if it is old."""
        now = asyncio.get_running_loop().time()
        if self._check is None and (self._last is None or now - self._asked_at >= KEPT):
            self._asked_at = now
            self._check = asyncio.create_task(self._channels.check())
            self._check.add_done_callback(self._note)
        if self._last is None and self._check is not None:
            await asyncio.wait((self._check,), timeout=WAIT)
        last, stats = self._last, self._channels.stats()
        return BrokerOverview(
            self._channels.prefix,
            self._channels.broker_kind,
            None if last is None else last.ok,
            None if last is None else last.round_trip,
            [] if last is None else list(last.problems),
            stats._asdict(),
        )

    def stop(self) -> None:
        """Stop checking."""
        if self._check is not None:
            self._check.cancel()

    def _note(self, check: asyncio.Task[Health]) -> None:
        self._check = None
        if not check.cancelled():
            # It never raises an exception.
            self._last = check.result()


async def list_channels(channels: Channels, question: AskChannels) -> ChannelList:
    """Return the channels to which a process is subscribed. Each turn of the loop handles a slice of them."""
    topics = [] if not channels.has_started else list(channels.running().hub.topics.values())

    def key(topic: Topic) -> float | None:
        is_wanted = question.contains in topic.name and (question.internal or not topic.name.startswith(INTERNAL))
        return topic.users if is_wanted else None

    picked, matching = await pick(topics, key, question.limit)
    rows = await convert(
        picked,
        lambda topic: ChannelRow(
            topic.name,
            topic.users,
            history=0 if topic.is_pattern else topic.namespace.history,
            presence=topic.namespace.presence and not topic.is_pattern,
            is_lost=topic.is_lost,
        ),
    )
    return ChannelList(rows, matching, len(topics))
