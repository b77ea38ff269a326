"""The application as the inspector sees it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from ..config import Config
from ..dispatch.routes import RouteTable
from ..observers import Observers


class InspectedApplication(Protocol):
    """The application that is inspected: an `App`."""

    config: Config
    table: RouteTable

    @property
    def observers(self) -> Observers:
        """The observers to register with."""

    @property
    def wired(self) -> list[Any]:
        """The objects attached to the application, such as its channels and users."""

    @property
    def held_memory(self) -> int | None:
        """Bytes that peers make this process hold, if the server counts them."""

    @property
    def is_draining(self) -> bool:
        """Whether the server is stopping."""

    def on_startup(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """Register a function to run before the first request."""

    def background(self, function: Callable[[], Coroutine[Any, Any, None]]) -> Any:
        """Register a function that runs for as long as the application."""


def names_of_users(app: InspectedApplication, connection: object) -> Sequence[str]:
    """Return the users that a websocket belongs to."""
    return [name for each in app.wired if hasattr(each, "names_of") for name in each.names_of(connection)]
