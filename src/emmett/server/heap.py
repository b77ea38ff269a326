"""The heap of the process: freed memory is kept for the next messages instead of returned to the system.

By default, glibc returns what large messages have occupied after each of them, and the next message faults the same
pages in again. For a message of 1 MiB these page faults cost more than all the rest of its path.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from typing import Any

from ..engine import ENGINE

# Parameters of mallopt (malloc.h).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
# mallopt takes an int.
_MAX_VALUE = (1 << 31) - 1
# glibc refuses a higher M_MMAP_THRESHOLD on 64-bit systems.
_MAX_MMAP_THRESHOLD = 32 << 20
# The heap grows and shrinks in steps of at least this size, in bytes.
_STEP = 1 << 20
# Environment variables that configure the allocator take precedence.
_VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_THRESHOLD_")


def keep_freed_memory(size: int, environment: Mapping[str, str] = os.environ, libc: Any = None) -> bool:
    """Let this process keep freed memory at the end of its heap.

    Arguments:
        size: the number of bytes to keep at most. Larger amounts are returned to the system as before.
        environment: the environment variables. Nothing is changed if they configure the allocator.
        libc: the C library; that of the process by default.

    Returns:
        Whether the allocator was configured: only glibc's can be.
    """
    if any(name in environment for name in _VARIABLES) or "glibc.malloc." in environment.get("GLIBC_TUNABLES", ""):
        return False
    mallopt = _find_mallopt(libc)
    if mallopt is None:
        return False
    size = min(size, _MAX_VALUE)
    # Larger blocks are mapped on their own, and returned when they are freed.
    largest = min(max(size // 2, 128 << 10), _MAX_MMAP_THRESHOLD)
    return bool(
        mallopt(_M_MMAP_THRESHOLD, largest)
        and mallopt(_M_TRIM_THRESHOLD, size)
        and mallopt(_M_TOP_PAD, min(size, _STEP))
    )


def _find_mallopt(libc: Any) -> Callable[[int, int], Any] | None:
    """Return the function of glibc; None where there is another C library."""
    if libc is None and ENGINE == "native":
        # It is compiled in only on glibc.
        native: Callable[[int, int], Any] | None = getattr(importlib.import_module("emmett._native"), "mallopt", None)
        return native
    try:
        if libc is None:
            # Imported here: it takes 2 ms, and the native engine does without.
            import ctypes

            libc = ctypes.CDLL(None)
        # mallopt exists elsewhere too, where these numbers mean something else.
        _ = libc.gnu_get_libc_version
        found: Callable[[int, int], Any] = libc.mallopt
    except (OSError, TypeError, AttributeError):
        return None
    return found
