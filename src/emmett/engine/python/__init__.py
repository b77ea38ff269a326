"""The engine in Python: the reference for the native one, and what runs where that is not built."""

from __future__ import annotations

from .encoding import encode_message
from .reader import BaseReader

__all__ = ["BaseReader", "encode_message"]
