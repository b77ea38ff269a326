"""The heap of the process: freed memory is kept for the next messages instead of returned to the system.

By default, glibc returns what large messages have occupied after each of them, and the next message faults the same
pages in again. For a message of 1 MiB these page faults cost more than all the rest of its path.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from typing import Any

# Parameters of mallopt (malloc.h).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
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
    try:
        library = ctypes.CDLL(None) if libc is None else libc
        # mallopt exists elsewhere too, where these numbers mean something else.
        _ = library.gnu_get_libc_version
        mallopt = library.mallopt
    except (OSError, TypeError, AttributeError):
        return False
    # Larger blocks are mapped on their own, and returned when they are freed.
    largest = min(max(size // 2, 128 << 10), _MAX_MMAP_THRESHOLD)
    return bool(
        mallopt(_M_MMAP_THRESHOLD, largest)
        and mallopt(_M_TRIM_THRESHOLD, size)
        and mallopt(_M_TOP_PAD, min(size, _STEP))
    )
