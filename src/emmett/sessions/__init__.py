"""Sessions: what an application remembers about a visitor between requests, and in websockets."""

from typing import TYPE_CHECKING

from ..lazy import import_later

if TYPE_CHECKING:
    from .manager import SessionManager
    from .pipe import SessionPipe
    from .ports import StoreUnavailable
    from .session import Session

__all__ = ["Session", "SessionManager", "SessionPipe", "StoreUnavailable"]

# Calls need the class of a session, and most applications with calls have none.
__getattr__, __dir__ = import_later(
    __name__,
    __all__,
    Session=".session",
    SessionManager=".manager",
    SessionPipe=".pipe",
    StoreUnavailable=".ports",
)
