"""A transport that keeps everything written to it, and is full or closed when the test says so."""

from __future__ import annotations

import asyncio


class MemoryTransport(asyncio.Transport):
    """The parts of a transport that `Outbox` and the protocols need, without a socket.

    Attributes:
        writes: what each call of `write` got.
        reading: whether reading is wanted.
        high_water: what `set_write_buffer_limits` was given.
    """

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.reading = True
        self.closing = False
        self.aborted = False
        self.ended = False
        self.high_water: int | None = None

    @property
    def written(self) -> bytes:
        """Return everything that was written."""
        return b"".join(self.writes)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert data, "an empty write costs a system call"
        self.writes.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high_water = high

    def pause_reading(self) -> None:
        assert self.reading, "reading is paused already"
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading, "reading is not paused"
        self.reading = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = self.aborted = True
