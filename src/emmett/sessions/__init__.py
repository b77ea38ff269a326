"""Sessions: what an application remembers of a visitor, from one request to the next, and in websockets."""

from .manager import SessionManager
from .pipe import SessionPipe
from .ports import StoreUnavailable
from .session import Session

__all__ = ["Session", "SessionManager", "SessionPipe", "StoreUnavailable"]
