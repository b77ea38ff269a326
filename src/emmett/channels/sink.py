"""What publications are delivered to: the port that a websocket fills, and the batch that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

Message = str | bytes
Encoder = Callable[[Message], bytes]


class Batch:
    """Messages for many receivers, encoded once for all those that encode alike.

    Arguments:
        messages: the messages, in their order.
    """

    __slots__ = ("_encoder", "_frames", "messages", "size")

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        # Characters of text and bytes of binary messages: what a receiver's bound counts.
        self.size = sum(map(len, messages))
        self._encoder: Encoder | None = None
        self._frames = b""

    def frames(self, encode: Encoder) -> bytes:
        """Return what `encode` makes of each message, joined: made when first asked for, the same object after that."""
        if encode is not self._encoder:
            self._frames = b"".join([encode(message) for message in self.messages])
            self._encoder = encode
        return self._frames


class Sink(Protocol):
    """A receiver that must not be waited for, such as a websocket."""

    async def accept(self) -> None:
        """Be ready to take messages. Raises when it never will be."""

    def deliver(self, batch: Batch) -> bool:
        """Take all messages of a batch, in order and at once, or none.

        Returns:
            Whether it took them; it takes none while its peer does not keep up.

        Raises:
            WebsocketClosed: it takes no more, ever.
        """

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call back once, in the running event loop, when `deliver` may succeed again, or will raise."""

    async def close(self, code: int, reason: str) -> None:
        """End it, behind all that it took; the peer sees code and reason."""
