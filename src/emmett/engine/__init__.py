"""What every message passes, implemented twice: in Python, and as an optional C extension with the same behaviour.

The types are the bases of those in `wire`, `websockets` and `server`, which add what is uncommon.
`emmett.engine.python` is the reference; `emmett._native` is compiled from the files in `engine/_native`.
"""

from __future__ import annotations

from .selection import (
    ENGINE,
    BaseOutbox,
    BaseReader,
    BaseReading,
    BaseWebsocket,
    Batch,
    Inbox,
    apply_mask,
    encode_message,
    hand_out,
    make_handle_functions,
)

__all__ = [
    "ENGINE",
    "BaseOutbox",
    "BaseReader",
    "BaseReading",
    "BaseWebsocket",
    "Batch",
    "Inbox",
    "apply_mask",
    "encode_message",
    "hand_out",
    "make_handle_functions",
]
