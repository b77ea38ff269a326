"""The destination of publications: the port that a websocket implements, and the batch that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..engine import Batch

__all__ = ["Batch", "Message", "Sink"]

Message = str | bytes


class Sink(Protocol):
    """A receiver that never makes the publisher wait, such as a websocket."""

    async def accept(self) -> None:
        """Prepare to take messages. Raises if the sink cannot take any."""

    def deliver(self, batch: Batch) -> bool:
        """Take all messages of a batch, in order and at once, or none.

        Returns:
            Whether the sink took them; it takes none while its peer does not keep up.

        Raises:
            WebsocketClosed: the sink never takes messages again.
        """

    def when_ready(self, callback: Callable[[], None], waiting: Callable[[], int] | None = None) -> None:
        """Call back once, in the running event loop, when `deliver` may succeed again, or will raise.

        Arguments:
            callback: what to call.
            waiting: returns the bytes that wait for that, for a sink that has a bound for them.
        """

    async def close(self, code: int, reason: str) -> None:
        """Close the sink after everything it took; the peer sees code and reason."""
