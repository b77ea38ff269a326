"""Remember, in bounded memory, the gaps that a slow subscriber has yet to get."""

from __future__ import annotations

from collections.abc import Iterable

from .names import covers, is_of, is_pattern
from .publication import Kind, Position, Publication


class Gaps:
    """The channels whose publications were dropped, and up to which position.

    A gap is sent before the next publication of its channel. A pattern may match any number of channels, most of which
    may never be published to again. If there are too many gaps, they are merged into one, whose channel is the
    narrowest pattern that covers them, such as `room:*`.

    Arguments:
        limit: the maximum number of channels to remember.
    """

    __slots__ = ("_limit", "_patterns", "_positions")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._positions: dict[str, Position | None] = {}
        # Patterns with one gap for all the channels that they cover.
        self._patterns: dict[str, None] = {}

    def __len__(self) -> int:
        """Return the number of gaps to send."""
        return len(self._positions) + len(self._patterns)

    def add(self, channel: str, position: Position | None) -> None:
        """Note that publications were dropped.

        Arguments:
            channel: their channel; a pattern if a merged gap was dropped.
            position: the position up to which they were dropped.
        """
        if any(covers(pattern, channel) for pattern in self._patterns):
            return
        if is_pattern(channel):
            self._patterns[channel] = None
            return
        self._positions[channel] = position
        if len(self._positions) > self._limit:
            self._merge()

    def before(self, channels: Iterable[str]) -> list[Publication]:
        """Return the gaps to send before publications of these channels. They stay until `discard`."""
        names = dict.fromkeys(channels)
        patterns = [pattern for pattern in self._patterns if any(covers(pattern, name) for name in names)]
        found = [Publication(pattern, "", Kind.GAP, None) for pattern in patterns]
        for name in names:
            if name in self._positions:
                found.append(Publication(name, "", Kind.GAP, self._positions[name]))
        return found

    def discard(self, gaps: Iterable[Publication]) -> None:
        """Forget gaps that were sent."""
        for gap in gaps:
            if gap.channel in self._patterns:
                del self._patterns[gap.channel]
            else:
                self._positions.pop(gap.channel, None)

    def forget(self, name: str) -> None:
        """Forget the gaps of a channel, or of all channels that a pattern covers."""
        for gaps in (self._positions, self._patterns):
            for channel in [each for each in gaps if is_of(name, each)]:
                del gaps[channel]

    def clear(self) -> None:
        """Forget everything."""
        self._positions.clear()
        self._patterns.clear()

    def _merge(self) -> None:
        wide = _common_pattern([*self._positions, *self._patterns])
        self._positions = {name: place for name, place in self._positions.items() if not covers(wide, name)}
        self._patterns = {wide: None}


def _common_pattern(names: list[str]) -> str:
    """Return the narrowest pattern that covers names of one namespace; the shared part ends at a colon."""
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[: first.rfind(":", 0, length) + 1] + "*"
