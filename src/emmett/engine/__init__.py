"""What every message passes, implemented twice: in Python, and as an optional C extension with the same behaviour.

The types are the bases of those in `wire`, `websockets` and `server`, which add what is uncommon.
`emmett.engine.python` is the reference; `emmett._native` is compiled from the files in `engine/_native`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .selection import ENGINE

# Types are checked against the Python engine.
if TYPE_CHECKING or ENGINE == "python":
    from .python import (
        BaseOutbox,
        BaseReader,
        BaseReading,
        BaseWebsocket,
        Inbox,
        encode_message,
        make_handle_functions,
    )
else:
    from .._native import (
        BaseOutbox,
        BaseReader,
        BaseReading,
        BaseWebsocket,
        Inbox,
        encode_message,
        make_handle_functions,
    )

__all__ = [
    "ENGINE",
    "BaseOutbox",
    "BaseReader",
    "BaseReading",
    "BaseWebsocket",
    "Inbox",
    "encode_message",
    "make_handle_functions",
]
