"""One websocket connection as an application sees it."""

from .hooks import DROP
from .websocket import Websocket

__all__ = ["DROP", "Websocket"]
