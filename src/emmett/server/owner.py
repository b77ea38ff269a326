"""What a websocket knows of the process that it belongs to."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .websocket_protocol import WebsocketProtocol


class Owner(Protocol):
    """What the connections of a process have in common."""

    @property
    def context(self) -> Context:
        """The context variables that handlers get copies of: not the running ones, which may be those of a request."""

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The tasks of all handlers."""

    def stop_after(self) -> float:
        """Return how many seconds the next connection waits with its drain when the server stops."""

    def ended(self, protocol: WebsocketProtocol) -> None:
        """The connection is gone and its handler has ended. Called once."""
