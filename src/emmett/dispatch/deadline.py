"""A deadline that carries its kind."""

from __future__ import annotations

from enum import Enum
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Enum)


class Deadline(NamedTuple, Generic[K]):
    """A deadline by which something must have happened.

    Attributes:
        kind: the expected event.
        at: the time of the loop's clock, in seconds.
    """

    kind: K
    at: float
