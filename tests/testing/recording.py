"""A protocol that records its events."""

from __future__ import annotations

import asyncio
from typing import Any

from emmett.testing import Faults, MemoryConnection, MemoryTransport


class Recording(asyncio.Protocol):
    """Records its events in order; data that arrived in one piece is one entry.

    Arguments:
        half_open: whether it continues to write after the client has ended its half.
    """

    def __init__(self, *, half_open: bool = False) -> None:
        self.told: list[Any] = []
        self.half_open = half_open

    def data_received(self, data: bytes) -> None:
        self.told.append(data)

    def eof_received(self) -> bool:
        self.told.append("eof")
        return self.half_open

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(("lost", exc))

    @property
    def data(self) -> bytes:
        return b"".join(entry for entry in self.told if isinstance(entry, bytes))


def connected(
    faults: Faults | None = None, *, half_open: bool = False, **extra: Any
) -> tuple[Recording, MemoryTransport, MemoryConnection]:
    """Return a protocol and the two ends of its connection."""
    protocol = Recording(half_open=half_open)
    transport = MemoryTransport(asyncio.get_running_loop(), protocol, faults or Faults(), extra)
    return protocol, transport, MemoryConnection(transport)


async def settled() -> None:
    """Let the event loop run everything that is ready."""
    for _ in range(20):
        await asyncio.sleep(0)
