"""The engine in Python: the reference for the native one, and what runs where that is not built."""

from __future__ import annotations

from ..masking import apply_mask
from .batch import Batch, hand_out
from .encoding import encode_message
from .inbox import Inbox
from .outbox import BaseOutbox
from .reader import BaseReader
from .reading import BaseReading
from .websocket import BaseWebsocket, make_handle_functions

__all__ = [
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
