"""The sockets of the server: binding them, and accepting connections in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

# Connections that asyncio accepts in one turn of the loop.
ACCEPTS_A_TURN = 8
# Connections that the kernel queues in the meantime.
BACKLOG = 2048
# Seconds to wait for the lock of a folder, and between two attempts.
LOCK_TIMEOUT = 5.0
LOCK_PAUSE = 0.05
UNIX = getattr(socket, "AF_UNIX", None)
# The permissions of a unix socket: every user with access to its folder may connect.
UNIX_SOCKET_MODE = 0o666


def addresses_of(host: str, port: int) -> list[Any]:
    """Return the addresses of a host to listen on, as `socket.getaddrinfo` does.

    Raises:
        OSError: there is no such host.
    """
    # As bytes: for a str Python would import the tables of internationalized names.
    name = host.encode("ascii") if host.isascii() else host
    return socket.getaddrinfo(name or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)


def bind_tcp(host: str, port: int) -> list[socket.socket]:
    """Bind a socket to each address of a host.

    Arguments:
        host: a name or an address of this machine; empty for all of its addresses.
        port: the port; 0 takes a free one, the same for all addresses.

    Raises:
        OSError: the host is unknown, or the port is in use or not permitted.
    """
    found = addresses_of(host, port)
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listener = socket.socket(family, kind, protocol)
            sockets.append(listener)
            # Allows binding despite lingering connections.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                listener.bind((address[0], port, *address[2:]))
            except OSError as error:
                # A name may have addresses that this machine does not, such as ::1 without IPv6.
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                missing = error
                sockets.pop().close()
            else:
                port = listener.getsockname()[1]
        if missing is not None and not sockets:
            raise missing
    except OSError:
        for listener in sockets:
            listener.close()
        raise
    return sockets


class UnixSocketFile:
    """A listening unix socket, and its file.

    A file whose server is gone, as after a kill, is replaced. A file whose server accepts connections is never changed:
    every change of the file happens under a lock on its folder.

    Arguments:
        path: the path of the file.

    Attributes:
        socket: the socket.

    Raises:
        OSError: the file cannot be created, or the path belongs to a running server or is not a socket.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with _locked(Path(path).parent):
            mode = _remove_stale(path)
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self.socket.bind(path)
                os.chmod(path, mode)
                # Listen under the lock: a bound socket that does not listen looks like one whose server is gone.
                self.socket.listen(BACKLOG)
            except OSError:
                self.socket.close()
                raise

    def close(self) -> None:
        """Close the socket, and remove the file unless a process still listens on it."""
        self.socket.close()
        with contextlib.suppress(OSError), _locked(Path(self._path).parent):
            if not is_served(self._path):
                os.unlink(self._path)


async def listen(
    factory: Callable[[], asyncio.Protocol],
    sockets: Sequence[socket.socket],
    *,
    tls: ssl.SSLContext | None,
    handshake_timeout: float,
) -> list[asyncio.Server]:
    """Accept connections on bound sockets in the running loop, protected against floods of connections.

    A TLS handshake has a deadline of its own, because the protocol, which has the other deadlines, starts only after
    it.

    asyncio's own loop accepts as many connections in one turn as its backlog is long, before it passes the first one to
    its protocol, which may refuse it. If the process runs out of files in that turn, it logs a traceback for each
    connection. asyncio therefore gets a shorter backlog than the kernel.

    Arguments:
        factory: creates the protocol of a connection.
        sockets: the bound sockets.
        tls: the TLS context, if connections are encrypted.
        handshake_timeout: seconds that a TLS handshake may take; asyncio's own default is 60.
    """
    loop = asyncio.get_running_loop()
    backlog = ACCEPTS_A_TURN if isinstance(loop, asyncio.SelectorEventLoop) else BACKLOG
    timeout = handshake_timeout if tls is not None else None
    servers: list[asyncio.Server] = []
    for listener in sockets:
        options: dict[str, Any] = {"ssl": tls, "ssl_handshake_timeout": timeout, "backlog": backlog}
        if listener.family == UNIX:
            if sys.version_info >= (3, 13):
                # asyncio would remove the file, while other workers still listen on its socket.
                options["cleanup_socket"] = False
            server = await loop.create_unix_server(factory, sock=listener, **options)
        else:
            server = await loop.create_server(factory, sock=listener, **options)
        if backlog != BACKLOG:
            listener.listen(BACKLOG)
        servers.append(server)
    return servers


def _remove_stale(path: str) -> int:
    """Remove the file of a unix socket whose server is gone.

    Returns:
        The permissions for a new file: those of the old file, if there was one.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return UNIX_SOCKET_MODE
    if not stat.S_ISSOCK(found.st_mode) or is_served(path):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), path)
    os.unlink(path)
    return stat.S_IMODE(found.st_mode)


def is_served(path: str) -> bool:
    """Return whether a process listens on the unix socket at a path, even if it is too busy to accept."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(path) not in (errno.ECONNREFUSED, errno.ENOENT)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which needs no file and ends with the process."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        end = time.monotonic() + LOCK_TIMEOUT
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
            time.sleep(LOCK_PAUSE)
        yield
    finally:
        os.close(descriptor)
