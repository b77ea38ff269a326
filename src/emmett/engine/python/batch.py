"""Publications on their way to many connections; `_native/batch.c` is the same in C."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any


class Batch:
    """Messages for many receivers, encoded once for all receivers with the same encoder.

    Arguments:
        messages: the messages, in order.

    Attributes:
        messages: as above.
        size: the length of all messages, as the bounds of receivers count it: characters of text, bytes of the rest.
    """

    __slots__ = ("_encoder", "_frames", "messages", "size")

    messages: Sequence[str | bytes]
    size: int

    def __init__(self, messages: Sequence[str | bytes]) -> None:
        self.messages = messages
        self.size = sum(map(len, messages))
        self._encoder: Callable[[str | bytes], bytes] | None = None
        self._frames = b""

    def frames(self, encode: Callable[[str | bytes], bytes]) -> bytes:
        """Return the encoded messages, joined. The first call encodes them; later calls return the same object."""
        if encode is not self._encoder:
            self._frames = b"".join([encode(message) for message in self.messages])
            self._encoder = encode
        return self._frames


def hand_out(content: Any, receivers: Iterable[Any], kept: Any) -> None:
    """Offer the same content to many receivers.

    This is the cost of a delivery (benchmarks/): a few bytecodes per receiver, in addition to its `take`.

    Arguments:
        content: what each `take` is called with.
        receivers: those who get it, each with `take`, `hold` and `fail`.
        kept: what `hold` is called with if the receiver has not taken the content.
    """
    for receiver in receivers:
        try:
            if receiver.take(content):
                continue
        except Exception as error:
            receiver.fail(error)
        else:
            receiver.hold(kept)
