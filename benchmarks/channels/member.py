"""A connection that subscribes, and perhaps publishes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from benchmarks.channels.stream import Stream, WrongDelivery
from benchmarks.frames import client_frame, masking_key, split_frames

HELLO = client_frame(b"who is there?", masking_key(0))


class Member(asyncio.Protocol):
    """One subscriber, from the answer to its handshake on.

    Arguments:
        failed: called with a sentence when something is wrong.
        delays: where to note each delivery: index of the publication in the stream, and when it came, in nanoseconds;
            None to note nothing.

    Attributes:
        process: that of the server that it is connected to, once it has said so.
        position: how much of the stream it has.
    """

    __slots__ = ("_failed", "_greeting", "delays", "open", "position", "process", "read", "stream")

    def __init__(self, failed: Callable[[str], None]) -> None:
        self._failed = failed
        self._greeting = b""
        self.process: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.stream: Stream | None = None
        self.position = 0
        # Publications read to their end; and for each of them, when.
        self.read = 0
        self.delays: list[tuple[int, int]] | None = None
        self.open = True

    def data_received(self, data: bytes) -> None:
        if self.stream is None:
            self._greet(data)
            return
        try:
            self.position = self.stream.take(self.position, data)
        except (WrongDelivery, ValueError) as error:
            self._failed(str(error))
            return
        if self.delays is not None:
            now, ends = time.perf_counter_ns(), self.stream.ends
            while self.read < len(ends) and ends[self.read] <= self.position:
                self.delays.append((self.read, now))
                self.read += 1

    def connection_lost(self, error: Exception | None) -> None:
        if self.open:
            self._failed(f"the server closed a subscriber's connection: {error or 'end of stream'}")

    def _greet(self, data: bytes) -> None:
        self._greeting += data
        frames, rest = split_frames(self._greeting)
        if frames and not self.process.done():
            if rest or len(frames) > 1 or not frames[0][1].isdigit():
                self._failed(f"expected the number of a process, not {self._greeting[:60]!r}")
                return
            self.process.set_result(int(frames[0][1]))
