"""Serving an application until a signal stops it: in this process, with workers, or restarted on each change."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Generator, Sequence
from typing import TypedDict, Unpack

from ..dispatch import ServedApplication
from ..environment import RUN_DIR, WORKERS
from ..errors import ConfigurationError
from .http_protocol import HTTPProtocol
from .server_config import STARTUP_FAILURE, ServerConfig
from .serving import Server
from .systemd import Notifier

logger = logging.getLogger("uvicorn.error")


class ServerOptions(TypedDict, total=False):
    """The options of a server.

    Fields:
        host: the address to listen on; 127.0.0.1 by default.
        port: the port; 8000 by default, 0 takes a free one.
        uds: the path of a unix socket to listen on instead.
        workers: the number of processes; 1 by default.
        ssl_certfile, ssl_keyfile, ssl_keyfile_password: the files of a TLS certificate and its key.
        log_level: "critical", "error", "warning", "info" (the default) or "debug".
        access_log: whether to log a line for each request and each websocket; True by default.
        reload: whether to restart when a Python file changes.
        reload_dirs: the folders to watch; the current one by default.
        loop: "auto" (the default: uvloop where it is installed), "asyncio" or "uvloop".
        configure_logging: whether to set up logging as `emmett serve` does; without it, log_level and access_log have
            no effect. True by default.
    """

    host: str
    port: int
    uds: str | None
    workers: int
    ssl_certfile: str | None
    ssl_keyfile: str | None
    ssl_keyfile_password: str | None
    log_level: str
    access_log: bool
    reload: bool
    reload_dirs: Sequence[str]
    loop: str
    configure_logging: bool


def make_config(app: str | ServedApplication, **options: Unpack[ServerOptions]) -> ServerConfig:
    """Return the configuration of a server.

    Arguments:
        app: the application, or its import string, `package.module:name`.
        options: see `ServerOptions`.
    """
    return ServerConfig(app, HTTPProtocol, **options)


def serve(app: str | ServedApplication, **options: Unpack[ServerOptions]) -> None:
    """Serve an application until a signal stops it.

    Arguments:
        app: the application; several workers and reloading need its import string, `package.module:name`.
        options: see `ServerOptions`.

    Raises:
        ConfigurationError: the options contradict each other.
        SystemExit: the server could not start, with status 3.
    """
    config = make_config(app, **options)
    if config.use_subprocess and not isinstance(app, str):
        raise ConfigurationError("several workers and reloading need the application as 'package.module:name'")
    notifier = Notifier()
    if config.use_subprocess:
        has_started = _supervise(config, notifier)
    else:
        has_started = Server(config, notifier.ready, notifier.stopping).run_until_stopped()
    if not has_started:
        sys.exit(STARTUP_FAILURE)


def _supervise(config: ServerConfig, notifier: Notifier) -> bool:
    """Serve from other processes, and return whether they started."""
    # Imported here: a server in one process needs neither multiprocessing nor watchfiles.
    from .listeners import Listeners
    from .reloading import Reloader
    from .workers import Workers

    try:
        listeners = Listeners(config)
    except OSError as error:
        logger.error("cannot listen: %s", error)
        return False
    with listeners:
        if config.should_reload:
            Reloader(config, listeners).run()
            return True
        listeners.log_address()
        os.environ[WORKERS] = str(config.workers)
        with _run_dir():
            return Workers(config, listeners.sockets, notifier).run()


@contextlib.contextmanager
def _run_dir() -> Generator[None, None, None]:
    """Give the workers a folder that they share, unless there is one."""
    if os.environ.get(RUN_DIR):
        yield
        return
    # Imported here: a server in one process does without it.
    import tempfile

    with tempfile.TemporaryDirectory(prefix="emmett-", ignore_cleanup_errors=True) as folder:
        os.environ[RUN_DIR] = folder
        try:
            yield
        finally:
            del os.environ[RUN_DIR]
