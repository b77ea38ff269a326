"""uvicorn's configuration, with emmett's protocol and the application."""

from __future__ import annotations

from typing import Any

import uvicorn

from ..dispatch import ServedApplication
from ..errors import ConfigurationError
from .log_setup import set_up_logging

# Seconds in which handlers must end after a file has changed.
RELOAD_TIMEOUT = 1.0


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, which keeps the application that it loads.

    Attributes:
        application: the application, once it is loaded.
        shutdown_timeout: seconds in which handlers must end when the server stops.
        cancel_timeout: seconds in which handlers must end once they are cancelled.
        drain_delay: seconds for which connections are accepted once the server is asked to stop.

    Raises:
        ConfigurationError: on loading, if the loaded object is not an emmett application.
    """

    application: ServedApplication
    shutdown_timeout: float = RELOAD_TIMEOUT
    cancel_timeout: float = RELOAD_TIMEOUT
    drain_delay: float = 0.0

    @property
    def stop_timeout(self) -> float:
        """Seconds in which the process ends once it is asked to stop, without the margin of `limit_exit`."""
        return self.drain_delay + 2 * (self.shutdown_timeout + self.cancel_timeout)

    def load_app(self) -> Any:
        """Import the application."""
        application = super().load_app()
        if not isinstance(application, ServedApplication):
            raise ConfigurationError(f"{self.app!r} is {application!r}; the default server runs an emmett.App")
        self.application = application
        settings = application.table.config.server
        # During development no client needs the old process: its page reloads from the next one.
        longest = RELOAD_TIMEOUT if self.reload else settings.shutdown_timeout
        self.shutdown_timeout = min(settings.shutdown_timeout, longest)
        self.cancel_timeout = min(settings.cancel_timeout, longest)
        self.drain_delay = 0.0 if self.reload else settings.drain_delay or 0.0
        # uvicorn accepts any number of seconds, although its type is `int`.
        self.timeout_graceful_shutdown = self.shutdown_timeout  # type: ignore[assignment]
        return application

    def configure_logging(self) -> None:
        """Set up logging; uvicorn calls this when the configuration is created."""
        if self.log_config is not None:
            assert isinstance(self.log_level, str)
            set_up_logging(self.log_level, self.access_log)
