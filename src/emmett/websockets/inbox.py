"""The bounded queue of received messages, between the socket and `receive()`: a type of the engine."""

from __future__ import annotations

from ..engine import Inbox

__all__ = ["Inbox"]
