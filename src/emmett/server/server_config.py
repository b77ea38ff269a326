"""The configuration of a server: its address, its processes, and the application."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..dispatch import ServedApplication
from ..errors import ConfigurationError
from .log_setup import set_up_logging

if TYPE_CHECKING:
    import ssl

logger = logging.getLogger("uvicorn.error")

# The exit status if a server cannot start.
STARTUP_FAILURE = 3
# Seconds in which handlers must end after a file has changed.
RELOAD_TIMEOUT = 1.0
LOOPS = ("auto", "asyncio", "uvloop")


class ServerConfig:
    """The configuration of a server.

    Arguments:
        app: the application, or its import string, `package.module:name`.
        protocol: the class of the connections.
        host, port, uds, workers, ssl_certfile, ssl_keyfile, ssl_keyfile_password, log_level, access_log, reload, loop,
            configure_logging: see `emmett.server.process.ServerOptions`.
        reload_dirs: the folders to watch; the current one if none of them exists.

    Attributes:
        loaded: whether the application and the certificate are loaded.
        application: the application, once it is loaded.
        ssl: the context for TLS, once it is loaded; None without TLS.
        timeout_keep_alive: seconds for which a connection may wait for its next request.
        shutdown_timeout: seconds in which handlers must end when the server stops.
        cancel_timeout: seconds in which handlers must end once they are cancelled.
        drain_delay: seconds for which connections are accepted once the server is asked to stop.
    """

    application: ServedApplication
    shutdown_timeout: float = RELOAD_TIMEOUT
    cancel_timeout: float = RELOAD_TIMEOUT
    drain_delay: float = 0.0
    timeout_keep_alive: float = 5.0

    def __init__(
        self,
        app: str | ServedApplication,
        protocol: type[asyncio.Protocol],
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        uds: str | None = None,
        workers: int = 1,
        ssl_certfile: str | None = None,
        ssl_keyfile: str | None = None,
        ssl_keyfile_password: str | None = None,
        log_level: str = "info",
        access_log: bool = True,
        reload: bool = False,
        reload_dirs: Sequence[str] = (),
        loop: str = "auto",
        configure_logging: bool = True,
    ) -> None:
        if loop not in LOOPS:
            raise ConfigurationError(f"loop is {loop!r}; expected one of {', '.join(LOOPS)}")
        self.app = app
        self.protocol = protocol
        self.host = host
        self.port = port
        self.uds = uds
        self.workers = workers
        self.reload = reload
        self.loaded = False
        self.ssl: ssl.SSLContext | None = None
        self._certificate = (ssl_certfile, ssl_keyfile, ssl_keyfile_password)
        self._log_level = log_level
        self._access_log = access_log
        self._loop = loop
        self._configures_logging = configure_logging
        self.configure_logging()
        self.reload_dirs = _existing(reload_dirs) if self.should_reload else []

    @property
    def is_ssl(self) -> bool:
        """Whether connections use TLS."""
        return any(self._certificate[:2])

    @property
    def use_subprocess(self) -> bool:
        """Whether other processes serve than this one."""
        return self.reload or self.workers > 1

    @property
    def should_reload(self) -> bool:
        """Whether to restart when a file changes, which needs an import string."""
        return self.reload and isinstance(self.app, str)

    @property
    def stop_timeout(self) -> float:
        """Seconds in which the process ends once it is asked to stop, without the margin of `limit_exit`."""
        return self.drain_delay + 2 * (self.shutdown_timeout + self.cancel_timeout)

    def load(self) -> None:
        """Import the application and load the certificate.

        Raises:
            ConfigurationError: the loaded object is not an emmett application.
            SystemExit: there is nothing of the name in the import string.
        """
        self.ssl = _tls_context(*self._certificate) if self.is_ssl else None
        application = _import(self.app) if isinstance(self.app, str) else self.app
        if not isinstance(application, ServedApplication):
            raise ConfigurationError(f"{self.app!r} is {application!r}; the default server runs an emmett.App")
        self.application = application
        settings = application.table.config.server
        # During development no client needs the old process: its page reloads from the next one.
        longest = RELOAD_TIMEOUT if self.reload else settings.shutdown_timeout
        self.shutdown_timeout = min(settings.shutdown_timeout, longest)
        self.cancel_timeout = min(settings.cancel_timeout, longest)
        self.drain_delay = 0.0 if self.reload else settings.drain_delay or 0.0
        self.loaded = True

    def configure_logging(self) -> None:
        """Set up logging, unless the options say otherwise."""
        if self._configures_logging:
            set_up_logging(self._log_level, self._access_log)

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return a new event loop of the chosen kind."""
        if self._loop != "asyncio":
            try:
                import uvloop
            except ImportError:
                if self._loop == "uvloop":
                    raise
            else:
                return uvloop.new_event_loop()
        if sys.platform == "win32" and not self.use_subprocess:
            return asyncio.ProactorEventLoop()
        return asyncio.SelectorEventLoop()


def _import(text: str) -> Any:
    """Return what an import string names. Errors that its module raises are passed on."""
    name, _, attributes = text.partition(":")
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        logger.error("cannot load the application %r: there is no module %s", text, name)
        sys.exit(STARTUP_FAILURE)
    try:
        return attrgetter(attributes)(module)
    except AttributeError as error:
        logger.error("cannot load the application %r: %s", text, error)
        sys.exit(STARTUP_FAILURE)


def _tls_context(certificate: str | None, key: str | None, password: str | None) -> ssl.SSLContext:
    # Imported here: a server without TLS needs none of it.
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate or "", key, (lambda: password) if password else None)
    return context


def _existing(folders: Sequence[str]) -> list[Path]:
    """Return the folders that exist, without those in another one; the current folder if there is none."""
    found = {path for path in (Path(folder).resolve() for folder in folders) if path.is_dir()}
    outermost = sorted(path for path in found if not found.intersection(path.parents))
    if folders and not outermost:
        logger.warning("none of %s is a folder: watching the current one", ", ".join(folders))
    outermost = outermost or [Path.cwd()]
    logger.info("Will watch for changes in these directories: %s", [str(path) for path in outermost])
    return outermost
