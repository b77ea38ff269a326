"""Sessions: what an application remembers about a visitor between requests, and in websockets."""

from .manager import SessionManager
from .pipe import SessionPipe
from .ports import StoreUnavailable
from .session import Session

__all__ = ["Session", "SessionManager", "SessionPipe", "StoreUnavailable"]
