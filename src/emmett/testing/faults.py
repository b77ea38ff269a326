"""`Faults`: simulated faults of a connection in memory."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of a connection in memory; none by default.

    Attributes:
        piece: the maximum bytes delivered at once, in either direction; None for no limit.
        seed: makes the sizes random, from 1 to `piece`; the same seed gives the same sizes.
        window: bytes that the server may write ahead of a client that does not read, like the buffers of a socket; any
            more wait in the transport. None for no limit.
        break_after: the connection breaks after the client has sent this many bytes, which still arrive.
        error: the error that the server's protocol gets when the connection breaks; None for a plain end.

    Raises:
        ConfigurationError: a number is invalid.
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
        """Return a function that returns how many of the given number of bytes to deliver next."""
        piece = self.piece
        if piece is None:
            return _whole
        if self.seed is None:
            return lambda size: min(size, piece)
        choose = random.Random(self.seed).randint
        return lambda size: min(size, choose(1, piece))


def _whole(size: int) -> int:
    return size
