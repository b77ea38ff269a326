"""`ServedApplication`: what servers and test clients need of an application."""

from __future__ import annotations

from collections.abc import Awaitable, MutableMapping
from typing import Any, Protocol, runtime_checkable

from .routes import RouteTable


@runtime_checkable
class ServedApplication(Protocol):
    """An application as those see it that run it: `emmett.App` is one.

    Attributes:
        table: its routes and settings.
    """

    table: RouteTable

    async def startup(self) -> None:
        """Run the start-up functions, before the first request."""

    async def shutdown(self) -> None:
        """Run the shutdown functions, after the last request."""

    def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any, /) -> Awaitable[None]:
        """Serve one ASGI 3 connection; the default server calls it for the lifespan alone."""
