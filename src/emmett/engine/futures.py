"""Whether the native engine may make the futures of an event loop itself."""

from __future__ import annotations

import asyncio
import sys


def makes_plain_futures(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether `loop.create_future()` is `asyncio.Future(loop=loop)`, as in asyncio and uvloop."""
    # Looking into `__dict__` instead would make all attributes of the loop slower in CPython 3.11, for good.
    make = getattr(loop.create_future, "__func__", None)
    uvloop = sys.modules.get("uvloop")
    return make is asyncio.BaseEventLoop.create_future or (uvloop is not None and make is uvloop.Loop.create_future)
