"""What a pipeline may do to the messages of a connection."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from typing import Any, Final

Hook = Callable[[Any], Awaitable[Any]]


class Drop(enum.Enum):
    """The type of `DROP`."""

    DROP = "DROP"


# Returned by a hook instead of the message: the message is swallowed.
DROP: Final = Drop.DROP
