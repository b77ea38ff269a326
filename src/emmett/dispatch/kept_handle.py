"""In development: find objects in which an application keeps the handle `websocket`, to send to it later.

No list or dict refuses the handle, but it refers to the connection of whichever handler uses it, so messages go to the
wrong connection. The search takes milliseconds, so only `emmett develop` does it.
"""

from __future__ import annotations

import gc
import logging
import sys
from types import CellType, FrameType

from ..ctx import websocket

logger = logging.getLogger("emmett.websocket")

_warned = False


def find_keepers() -> list[str]:
    """Return the types of the objects that contain the handle, such as `list`."""
    modules = {id(vars(module)) for module in list(sys.modules.values())}
    keepers = [referrer for referrer in gc.get_referrers(websocket) if id(referrer) not in modules]
    return [
        type(keeper).__name__
        for keeper in keepers
        if not isinstance(keeper, (tuple, FrameType, CellType, type)) and not callable(keeper)
    ]


def warn_of_kept_handle() -> None:
    """Log once that the handle is kept."""
    global _warned
    if _warned:
        return
    kinds = sorted(set(find_keepers()))
    if kinds:
        _warned = True
        logger.error(
            "`websocket` is kept in a %s, where it refers to another connection in each handler. Keep "
            "`websocket.connection`, or let the connections subscribe to a channel (emmett.Channels)",
            " and a ".join(kinds),
        )
