"""Loading a program without garbage collections, which would find nothing: what it loads is there to stay."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Generator

# How many more objects than were freed may be made before a collection. The modules of a server make some 50,000, and
# an application that makes many more while it is imported is collected as usual.
_OBJECTS = 500_000


@contextlib.contextmanager
def few_collections() -> Generator[None, None, None]:
    """Postpone garbage collections, and then count all objects as old, so that no young collection looks at them.

    None is exempt: a full collection finds those of them that have become garbage. An application that configures the
    collector while it is imported, as with `gc.disable()`, has the last word.
    """
    before = gc.get_threshold()
    if not gc.isenabled() or not before[0]:
        yield
        return
    postponed = (max(_OBJECTS, before[0]), *before[1:])
    gc.set_threshold(*postponed)
    try:
        yield
    finally:
        if gc.get_threshold() == postponed:
            # Both only move lists of objects. What the application froze stays frozen.
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.set_threshold(*before)
