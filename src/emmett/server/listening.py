"""The sockets that the server listens on: how they are bound, and how the event loop accepts from them."""

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
# Connections that the kernel accepts for us meanwhile.
BACKLOG = 2048
# Seconds for which the lock of a folder is waited for, and between two attempts.
LOCK_TIMEOUT = 5.0
LOCK_PAUSE = 0.05
UNIX = getattr(socket, "AF_UNIX", None)
# Who may connect to a unix socket: everybody who may enter its folder.
UNIX_SOCKET_MODE = 0o666


def bind_tcp(host: str, port: int) -> list[socket.socket]:
    """Bind a socket to each address of a host.

    Arguments:
        host: a name or an address of this machine; empty for all of its addresses.
        port: the port; 0 takes a free one, the same for all addresses.

    Raises:
        OSError: the host is unknown, or the port is in use or not permitted.
    """
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listener = socket.socket(family, kind, protocol)
            sockets.append(listener)
            # Connections that linger after their end are not in the way.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                listener.bind((address[0], port, *address[2:]))
            except OSError as error:
                # A name may have addresses that this machine lacks, such as ::1 without IPv6.
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
    """A unix socket that listens, and the file by which its clients find it.

    A file whose server is gone, as after a kill, is replaced. One whose server accepts connections is never touched:
    all that changes the file happens under a lock on its folder.

    Arguments:
        path: where the file is.

    Attributes:
        socket: the socket.

    Raises:
        OSError: the file cannot be made, or something is in its place: a server that listens, or no socket.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with _locked(Path(path).parent):
            mode = _remove_stale(path)
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self.socket.bind(path)
                os.chmod(path, mode)
                # Now, under the lock: a socket that is bound and does not listen looks like one whose server is gone.
                self.socket.listen(BACKLOG)
            except OSError:
                self.socket.close()
                raise

    def close(self) -> None:
        """Close the socket and remove the file, unless a process still listens there."""
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
    """Accept connections on bound sockets, in the running loop, so that hostile peers cannot overrun it.

    A TLS handshake gets a deadline: a connection meets its protocol, which has the other deadlines, only after it.

    asyncio's own loop accepts as many connections in one turn as its backlog is long, before it gives a single one to
    its protocol, which may refuse it. When the process runs out of files meanwhile, it logs a traceback for each. So
    asyncio gets a shorter backlog than the kernel.

    Arguments:
        factory: makes the protocol of a connection.
        sockets: sockets that are bound.
        tls: the TLS context, if the connections are encrypted.
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
                # The other workers still listen on the socket of the file that asyncio would remove.
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
        The permissions for a new one: those of the old file, if there was one.
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
    """Return whether a process listens on the unix socket at a path, even one that has no time to accept."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(path) not in (errno.ECONNREFUSED, errno.ENOENT)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder. It needs no file, and ends with the process."""
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
