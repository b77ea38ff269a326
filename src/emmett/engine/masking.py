"""`apply_mask` of the Python engine, in C where the extension of websockets is built."""

from __future__ import annotations

try:
    from websockets.speedups import apply_mask
except ImportError:  # pragma: no cover - where the C extension of websockets was not built
    from websockets.utils import apply_mask

__all__ = ["apply_mask"]
