"""uvicorn's configuration, with our protocol and our application in it."""

from __future__ import annotations

from typing import Any

import uvicorn

from ..dispatch import Application
from ..errors import ConfigurationError

# Seconds in which handlers must end when a file has changed.
RELOAD_TIMEOUT = 1.0


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration; it remembers the application that it loads.

    Raises:
        ConfigurationError: on loading, when what is loaded is no application of emmett.
    """

    application: Application

    def load_app(self) -> Any:
        application = super().load_app()
        if not isinstance(application, Application):
            raise ConfigurationError(f"{self.app!r} is {application!r}; the default server runs an emmett.App")
        self.application = application
        timeout = application.table.config.server.shutdown_timeout
        # uvicorn takes any number of seconds, though it asks for a whole one. While developing nobody waits for the old
        # process: the page is back with the next one.
        self.timeout_graceful_shutdown = min(timeout, RELOAD_TIMEOUT) if self.reload else timeout  # type: ignore[assignment]
        return application
