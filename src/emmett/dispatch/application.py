"""`ServedApplication`: the interface of an application for servers and test clients."""

from __future__ import annotations

from collections.abc import Awaitable, MutableMapping
from typing import Any, Protocol, runtime_checkable

from .routes import RouteTable


@runtime_checkable
class ServedApplication(Protocol):
    """An application as its servers see it. `emmett.App` implements it.

    Attributes:
        table: its routes and settings.
    """

    table: RouteTable

    async def startup(self) -> None:
        """Run the start-up functions, before the first request."""

    async def shutdown(self) -> None:
        """Run the shutdown functions, after the last request."""

    def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any, /) -> Awaitable[None]:
        """Serve one ASGI 3 connection. The default server calls it only for the lifespan."""
