"""The server process: uvicorn with our protocol classes, alone, with workers, or reloading."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Generator, Sequence
from copy import deepcopy
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG, STARTUP_FAILURE
from uvicorn.supervisors import ChangeReload, Multiprocess

from ..dispatch import Application
from ..errors import ConfigurationError
from .http_protocol import HTTPProtocol
from .listening import careful_listening
from .uvicorn_config import ServerConfig

# Tells the workers how many they are: what they would have to share cannot be in the memory of one of them.
WORKERS_VARIABLE = "EMMETT_WORKERS"
LOG_LEVELS = ("critical", "error", "warning", "info", "debug")


class Server(uvicorn.Server):
    """uvicorn's server; a stop that a signal asked for ends with status 0, and a second signal ends it at once."""

    config: ServerConfig

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        with careful_listening(asyncio.get_running_loop(), self.config.application.table.config.http.head_timeout):
            await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.force_exit or self.should_exit
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        with super().capture_signals():
            yield
            # uvicorn raises them again at the end, which would end the process as if the signal had killed it.
            self._captured_signals.clear()


class Workers(Multiprocess):
    """uvicorn's supervisor of several processes; a second signal ends them at once."""

    def join_all(self) -> None:
        for process in self.processes:
            while process.process.is_alive():
                process.process.join(0.1)
                if self.signal_queue:
                    process.kill()


def make_config(
    app: str | Application,
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
) -> ServerConfig:
    """Return the configuration of a server.

    Arguments:
        loop: "auto" for uvloop where there is one, "asyncio" or "uvloop".
        configure_logging: whether to set up logging as `emmett serve` does; without it, log_level and access_log do
            nothing.
        app and the others: as for `serve`.
    """
    return ServerConfig(
        app,
        host=host,
        port=port,
        uds=uds,
        workers=workers,
        ssl_certfile=ssl_certfile,
        ssl_keyfile=ssl_keyfile,
        ssl_keyfile_password=ssl_keyfile_password,
        log_level=log_level if configure_logging else None,
        access_log=access_log,
        log_config=_log_config(log_level, access_log) if configure_logging else None,
        reload=reload,
        reload_dirs=list(reload_dirs) or None,
        loop=loop,
        http=HTTPProtocol,
        ws="none",
        interface="asgi3",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
    )


def serve(app: str | Application, **options: Any) -> None:
    """Serve an application until a signal stops it.

    Arguments:
        app: the application; several workers and reloading need its import string, `package.module:name`.
        host, port: the address to listen on.
        uds: the path of a unix socket to listen on instead.
        workers: the number of processes.
        ssl_certfile, ssl_keyfile, ssl_keyfile_password: the files of a TLS certificate and its key.
        log_level: "critical", "error", "warning", "info" or "debug".
        access_log: whether to log a line for each request and each websocket.
        reload: whether to start anew when a Python file changes.
        reload_dirs: the folders to watch; the current one by default.

    Raises:
        ConfigurationError: the options do not go together.
        SystemExit: the server could not start.
    """
    config = make_config(app, **options)
    if config.use_subprocess and not isinstance(app, str):
        raise ConfigurationError("several workers and reloading need the application as 'package.module:name'")
    server = Server(config)
    if config.should_reload:
        ChangeReload(config, target=server.run, sockets=[config.bind_socket()]).run()
    elif config.workers > 1:
        os.environ[WORKERS_VARIABLE] = str(config.workers)
        workers = Workers(config, sockets=[config.bind_socket()])
        workers.run()
        if any(worker.exitcode == STARTUP_FAILURE for worker in workers.processes):
            sys.exit(STARTUP_FAILURE)
    else:
        server.run()
        if not server.started:
            sys.exit(STARTUP_FAILURE)


def _log_config(level: str, access_log: bool) -> dict[str, Any]:
    """uvicorn's logging, with our loggers beside its own."""
    config: dict[str, Any] = deepcopy(LOGGING_CONFIG)
    name = level.upper()
    config["loggers"]["emmett"] = {"handlers": ["default"], "level": name, "propagate": False}
    config["formatters"]["websocket_access"] = {
        "()": "uvicorn.logging.DefaultFormatter",
        "fmt": "%(levelprefix)s %(message)s",
    }
    config["handlers"]["websocket_access"] = {
        "formatter": "websocket_access",
        "class": "logging.StreamHandler",
        "stream": "ext://sys.stdout",
    }
    config["loggers"]["emmett.access"] = {
        "handlers": ["websocket_access"] if access_log else [],
        "level": name if access_log else "CRITICAL",
        "propagate": False,
    }
    return config
