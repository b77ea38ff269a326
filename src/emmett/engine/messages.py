"""Messages and batches of messages, as the engines take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

Data = str | bytes | bytearray | memoryview


class MessageBatch(Protocol):
    """Messages for many connections."""

    @property
    def messages(self) -> Sequence[str | bytes]:
        """The messages, in their order."""

    def frames(self, encode: Callable[[Data], bytes]) -> bytes:
        """Return all messages, encoded and joined; computed once for all connections with the same encoding."""
