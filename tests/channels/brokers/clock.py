"""A clock that tests set, and a listener that records its events."""

from __future__ import annotations

from collections.abc import Callable, Collection

from emmett.channels.brokers.port import Entry


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class RecordingListener:
    """A listener that records its events."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, str, Entry]] = []
        # Payloads, and the texts "lost" and "restored", in the order they arrived.
        self.said: list[bytes | str] = []
        self.on_heard: Callable[[str], None] | None = None

    @property
    def payloads(self) -> list[bytes]:
        return [entry.payload for _, _, entry in self.reports]

    def heard(self, subscribed: str, channel: str, entry: Entry) -> None:
        self.reports.append((subscribed, channel, entry))
        self.said.append(entry.payload)
        if self.on_heard is not None:
            self.on_heard(channel)

    def lost(self, subscribed: Collection[str] | None) -> None:
        self.said.append("lost")

    def restored(self, subscribed: Collection[str] | None) -> None:
        self.said.append("restored")
