"""The application as telemetry sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..observers import Observers


class RouteDescription(Protocol):
    """A route."""

    @property
    def kind(self) -> str:
        """Whether it is for requests or for websockets: "http" or "websocket"."""

    @property
    def name(self) -> str:
        """The full name."""

    @property
    def path(self) -> str:
        """The path pattern."""


class MeasuredApplication(Protocol):
    """The application that telemetry is attached to: an `App`."""

    @property
    def observers(self) -> Observers:
        """The observers to register with."""

    @property
    def routes(self) -> Sequence[RouteDescription]:
        """All routes."""

    @property
    def held_memory(self) -> int | None:
        """Bytes that peers make this process hold, if the server counts them."""

    @property
    def wired(self) -> Sequence[Any]:
        """The objects attached to the application, among them its channels."""

    def add_plain_route(self, path: str, name: str, function: Callable[..., Any]) -> Any:
        """Register a function for GET requests that runs outside of the application's pipes."""

    def on_startup(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """Register a function to run before the first request."""

    def on_shutdown(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """Register a function to run after the last request."""


def path_patterns(app: MeasuredApplication) -> dict[str, str]:
    """Return the path pattern of each route by name; for a route with several patterns, the first."""
    return {route.name: route.path for route in reversed(app.routes)}
