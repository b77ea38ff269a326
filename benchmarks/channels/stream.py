"""What one server process delivers: the same bytes to all its subscribers, each publication once and in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

from benchmarks.frames import FINAL_TEXT, split_frames

FILLER = b"."


class WrongDelivery(Exception):
    """A subscriber got what it should not; the message says what."""


def publication(publisher: int, number: int, sent: int, size: int) -> bytes:
    """Return the text of a publication.

    Arguments:
        publisher: who publishes it.
        number: how many it published before.
        sent: when, in nanoseconds.
        size: bytes at least.
    """
    return b"%d %d %d " % (publisher, number, sent) + FILLER * max(size - 32, 0)


class Stream:
    """The bytes for the subscribers of one process.

    The first subscriber to get a piece adds it: its frames are read and checked once. The bytes of the others are
    compared with it.

    Arguments:
        publishers: how many there are.
        heard: called with the publisher of each new publication.

    Attributes:
        ends: where in the stream each publication ends.
        sent: when it was sent, in nanoseconds.
        origins: who published it.
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
        """Take what a subscriber got.

        Arguments:
            position: how much it got before.

        Returns:
            How much it has now.

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
