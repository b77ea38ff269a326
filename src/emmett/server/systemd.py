"""The conventions of systemd: sockets that it has opened, and reports on the state of a service (sd_notify)."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import MutableMapping

logger = logging.getLogger("uvicorn.error")

# The first inherited socket: SD_LISTEN_FDS_START.
FIRST_SOCKET = 3


class Notifier:
    """Reports the state of a service to the program that has started it; without such a program it does nothing.

    It takes the variable NOTIFY_SOCKET out of the environment, so that no child reports on its own.

    Arguments:
        environ: the environment.
    """

    def __init__(self, environ: MutableMapping[str, str] = os.environ) -> None:
        self._address = environ.pop("NOTIFY_SOCKET", "")

    def ready(self) -> None:
        """Report that the service has started, or has reloaded."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Report that the service reloads."""
        # The time is required for `Type=notify-reload`.
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Report that the service stops."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        # An address that begins with @ is in the abstract namespace.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(), address)
        except OSError as error:
            logger.warning("the service manager cannot be notified at %s: %s", self._address, error)


def take_sockets(environ: MutableMapping[str, str] = os.environ, first: int = FIRST_SOCKET) -> list[socket.socket]:
    """Return the listening sockets that systemd has opened for this process; none if it has not opened any.

    It takes their variables out of the environment, so that no child takes them for its own.

    Arguments:
        environ: the environment.
        first: the file descriptor of the first socket.
    """
    process, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if process != str(os.getpid()) or not count.isdecimal():
        return []
    sockets = []
    for number in range(first, first + int(count)):
        listener = socket.socket(fileno=number)
        listener.set_inheritable(False)
        listener.setblocking(False)
        if listener.type != socket.SOCK_STREAM:
            logger.warning("file descriptor %d from systemd is no stream socket: set ListenStream=", number)
            with contextlib.suppress(OSError):
                listener.close()
            continue
        sockets.append(listener)
    return sockets
