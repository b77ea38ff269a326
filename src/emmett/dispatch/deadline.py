"""A deadline that knows what must happen until then."""

from __future__ import annotations

from enum import Enum
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Enum)


class Deadline(NamedTuple, Generic[K]):
    """When something must have happened.

    Attributes:
        kind: what must have happened.
        at: the moment, in the loop's seconds.
    """

    kind: K
    at: float
