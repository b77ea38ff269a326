"""`Faults`: what is wrong with a connection in memory."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a connection in memory; nothing by default.

    Attributes:
        piece: the most bytes that are delivered at once, in either direction; None for all there are.
        seed: makes the sizes random, from 1 to `piece`, the same ones for the same seed.
        window: bytes that the server may write ahead of a client that does not read, as into a socket's buffers; what
            is beyond it waits in the transport. None for no bound.
        break_after: the connection breaks when the client has sent so many bytes; they still arrive.
        error: what the server's protocol is told when it breaks; None for an end without a word.

    Raises:
        ConfigurationError: a number that cannot be.
    """

    piece: int | None = None
    seed: int | None = None
    window: int | None = None
    break_after: int | None = None
    error: OSError | None = None

    def __post_init__(self) -> None:
        for name, least in (("piece", 1), ("window", 1), ("break_after", 0)):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < least):
                raise ConfigurationError(f"Faults({name}={value!r}): expected a number of bytes, at least {least}")
        if self.seed is not None and self.piece is None:
            raise ConfigurationError(f"Faults(seed={self.seed!r}): sizes are random up to piece=, which is not given")

    def cutter(self) -> Callable[[int], int]:
        """Return a function that says how many of so many bytes are delivered next."""
        piece = self.piece
        if piece is None:
            return _whole
        if self.seed is None:
            return lambda size: min(size, piece)
        choose = random.Random(self.seed).randint
        return lambda size: min(size, choose(1, piece))


def _whole(size: int) -> int:
    return size
