"""`Listeners`: the sockets that the processes of a server share."""

from __future__ import annotations

import contextlib
import logging
import socket
from types import TracebackType
from typing import Self

from ..engine import ENGINE
from .listening import UnixSocketFile, bind_tcp
from .server_config import ServerConfig
from .systemd import take_sockets

logger = logging.getLogger("uvicorn.error")


class Listeners:
    """The bound sockets of a server. The end of the block closes them and removes the file of a unix socket.

    Arguments:
        config: host and port, or the path of a unix socket; unused if systemd has opened sockets for this process. A
            port that the system chose is written back.

    Attributes:
        sockets: the sockets.

    Raises:
        OSError: the server cannot listen on the address.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._file: UnixSocketFile | None = None
        self.sockets: list[socket.socket] = take_sockets()
        self._is_inherited = bool(self.sockets)
        self.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Bind the sockets, if they are closed.

        Raises:
            OSError: the server cannot listen on the address.
        """
        if self.sockets:
            return
        if self._config.uds is not None:
            self._file = UnixSocketFile(self._config.uds)
            self.sockets = [self._file.socket]
        else:
            self.sockets = bind_tcp(self._config.host, self._config.port)
            self._config.port = self.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Close the sockets, so that clients are refused instead of waiting, and remove the file of a unix socket."""
        if self._file is not None:
            self._file.close()
            self._file = None
        for listener in self.sockets:
            with contextlib.suppress(OSError):
                listener.close()
        self.sockets = []

    def log_address(self) -> None:
        """Log where the server listens, and which engine serves it."""
        config = self._config
        logger.info("Messages pass the %s engine.", ENGINE)
        if self._is_inherited:
            names = ", ".join(str(listener.getsockname()) for listener in self.sockets)
            logger.info("Listening on sockets of systemd: %s", names)
        elif config.uds is not None:
            logger.info("Listening on unix socket %s (Press CTRL+C to quit)", config.uds)
        else:
            host = f"[{config.host}]" if ":" in config.host else config.host
            scheme = "https" if config.is_ssl else "http"
            logger.info("Listening on %s://%s:%d (Press CTRL+C to quit)", scheme, host, config.port)
