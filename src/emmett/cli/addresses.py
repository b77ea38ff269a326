"""Addresses to listen on: whether they are free, and their URLs for browsers."""

from __future__ import annotations

import errno
import socket
import stat
from pathlib import Path

import click

from ..server.listening import addresses_of
from ..wire.authority import format_authority
from .errors import CommandLineError

# The most bytes in the path of a unix socket (sun_path without its NUL; 103 on macOS, the smallest).
MAX_UDS_PATH = 103
ALLOWED_PORTS = "type one from 1 to 65535, or 0 for any free port"
# The host in the URL of a server that listens on all addresses.
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def parse_port(text: str) -> int:
    """Parse a TCP port, as a click type; 0 means any free one."""
    if not text.isascii() or not text.isdigit():
        raise click.BadParameter(f"{text!r} is not a number; {ALLOWED_PORTS}")
    if len(text) > 5 or int(text) > 65535:
        raise click.BadParameter(f"{text} is out of range; {ALLOWED_PORTS}")
    return int(text)


def browser_url(host: str, port: int) -> str:
    """Return the URL that opens the server at `host` and `port` in a browser."""
    return f"http://{format_authority(ANYWHERE.get(host, host), port)}/"


def find_port(host: str, port: int, command: str) -> int:
    """Check that a server can listen on an address.

    Arguments:
        host: the name or address of an interface of this machine.
        port: the port; 0 to have a free one chosen.
        command: what the user typed, for the hint: "emmett develop".

    Returns:
        The port.

    Raises:
        CommandLineError: it is in use, not allowed, or not on this machine. The hint says what to type instead.
    """
    try:
        return _bind(host, port)
    except socket.gaierror:
        raise CommandLineError(
            f"--host {host}: there is no such host", "type 127.0.0.1 for this machine only, 0.0.0.0 for all networks"
        ) from None
    except OSError as error:
        raise _explained(error, host, port, command) from None


def check_uds(path: Path) -> None:
    """Check that a unix socket can be created at a path.

    Raises:
        CommandLineError: the path is too long, its folder is missing, a file is in the way, or a server listens there.
    """
    if len(str(path).encode()) > MAX_UDS_PATH:
        raise CommandLineError(f"--uds {path}: the path is longer than {MAX_UDS_PATH} bytes", "type a shorter one")
    if not path.parent.is_dir():
        raise CommandLineError(f"--uds {path}: there is no folder {path.parent}", f"make it first: mkdir {path.parent}")
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise CommandLineError(f"--uds {path}: the file there is not a socket", "type another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # The file of a server that has ended refuses connections, and may be replaced.
        if probe.connect_ex(str(path)) == 0:
            raise CommandLineError(f"--uds {path}: a server listens there", "type another path", exit_code=1)


def _bind(host: str, port: int) -> int:
    """Bind to every address of a host for a moment and return the port."""
    found = addresses_of(host, port)
    unavailable: OSError | None = None
    bound = 0
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            # As servers do, so that the remains of ended connections do not block the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                probe.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                unavailable = error
            else:
                bound = bound or probe.getsockname()[1]
    if not bound and unavailable is not None:
        raise unavailable
    return bound


def _explained(error: OSError, host: str, port: int, command: str) -> CommandLineError:
    if error.errno == errno.EADDRINUSE:
        free = _free_port(host, port)
        hint = f"stop what listens there, or type {command} --port {free}" if free else "stop what listens there"
        return CommandLineError(f"port {port} on {host} is in use", hint, exit_code=1)
    if error.errno in (errno.EACCES, errno.EPERM):
        hint = f"ports below 1024 are reserved for the system; type {command} --port 8000"
        return CommandLineError(f"this user may not listen on port {port}", hint, exit_code=1)
    if error.errno == errno.EADDRNOTAVAIL:
        hint = "type 127.0.0.1 for this machine only, 0.0.0.0 for all networks"
        return CommandLineError(f"--host {host} is not an address of this machine", hint)
    return CommandLineError(f"cannot listen on port {port} of {host}: {error.strerror}", exit_code=1)


def _free_port(host: str, port: int) -> int | None:
    for candidate in range(port + 1, min(port + 21, 65536)):
        try:
            return _bind(host, candidate)
        except OSError:
            continue
    return None
