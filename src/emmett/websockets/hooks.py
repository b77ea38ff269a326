"""The hooks of a pipeline on the messages of a connection."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from typing import Any, Final

Hook = Callable[[Any], Awaitable[Any]]


class Drop(enum.Enum):
    """The type of `DROP`."""

    DROP = "DROP"


# A hook returns this instead of a message to discard the message.
DROP: Final = Drop.DROP
