"""While developing: find the handle `websocket` where an application keeps it, to send to it later.

In a list or as a value of a dict nothing refuses it, but there it means the connection of whichever handler uses it:
the sender gets what was meant for the others. Looking for it takes milliseconds, so only `emmett develop` does.
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
    """Return the types of the objects that keep the handle, such as `list`."""
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
            "`websocket` is kept in a %s: there it means another connection in each handler. Keep "
            "`websocket.connection`, or let the connections subscribe to a channel (emmett.Channels)",
            " and a ".join(kinds),
        )
