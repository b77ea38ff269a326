"""What one server process delivers: the same bytes to all its subscribers, each publication once and in order."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence

from benchmarks.frames import FINAL_TEXT, client_frame, masking_key, split_frames

HELLO = client_frame(b"who is there?", masking_key(0))
FILLER = b"."


class WrongDelivery(Exception):
    """A subscriber got what it should not; the message says what."""


def publication(publisher: int, number: int, sent: int, size: int) -> bytes:
    """Return the text of a publication: by whom, how many came before, when in nanoseconds, and bytes up to a size."""
    return b"%d %d %d " % (publisher, number, sent) + FILLER * max(size - 32, 0)


class Stream:
    """The bytes for the subscribers of one process.

    The first subscriber to get a piece adds it: its frames are read and checked once. The bytes of the others are
    compared with it. `heard` is called with the publisher of each new publication.

    Attributes:
        ends, sent, origins: of each publication where in the stream it ends, when it was sent, and who published it.
    """

    __slots__ = ("_data", "_heard", "_next", "_parsed", "ends", "origins", "sent")

    def __init__(self, publishers: int, heard: Callable[[int], None]) -> None:
        self._data = bytearray()
        self._parsed = 0
        # By publisher the number that must come next.
        self._next = [0] * publishers
        self._heard = heard
        self.ends: list[int] = []
        self.sent: list[int] = []
        self.origins: list[int] = []

    @property
    def counts(self) -> Sequence[int]:
        """By publisher how many publications have come."""
        return self._next

    @property
    def length(self) -> int:
        """How many bytes have come."""
        return len(self._data)

    def count_until(self, position: int) -> int:
        """Return how many publications end at or before a position."""
        return bisect_right(self.ends, position)

    def describe(self, index: int) -> str:
        """Return what messages call the publication at an index."""
        publisher = self.origins[index]
        return f"number {self.origins[:index].count(publisher)} of publisher {publisher}"

    def take(self, position: int, data: bytes) -> int:
        """Take what a subscriber got, who had so much before; return how much it has now.

        Raises:
            WrongDelivery: it differs from what others got, or a publication is missing, doubled or out of order.
        """
        end = position + len(data)
        known = len(self._data)
        if end <= known:
            if self._data[position:end] != data:
                raise WrongDelivery(f"subscribers of one process got different bytes from byte {position} on")
            return end
        if self._data[position:] != data[: known - position]:
            raise WrongDelivery(f"subscribers of one process got different bytes from byte {position} on")
        self._data += data[known - position :]
        self._read()
        return end

    def _read(self) -> None:
        frames, _ = split_frames(bytes(memoryview(self._data)[self._parsed :]))
        for first, payload in frames:
            if first != FINAL_TEXT:
                raise WrongDelivery(f"a frame began with byte {first:#x}: {payload[:60]!r}")
            self._parsed += (2 if len(payload) < 126 else 4 if len(payload) < 1 << 16 else 10) + len(payload)
            self._check(payload)

    def _check(self, payload: bytes) -> None:
        try:
            publisher, number, sent = map(int, payload.split(b" ", 3)[:3])
            expected = self._next[publisher]
        except (ValueError, IndexError):
            raise WrongDelivery(f"nobody published {payload[:60]!r}") from None
        if number != expected:
            fault = "came again" if number < expected else f"came before number {expected}"
            raise WrongDelivery(f"number {number} of publisher {publisher} {fault}")
        self._next[publisher] = number + 1
        self.ends.append(self._parsed)
        self.sent.append(sent)
        self.origins.append(publisher)
        self._heard(publisher)


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
