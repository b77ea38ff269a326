"""The client's side of the opening handshake (RFC 6455, section 4.1), as bytes."""

from __future__ import annotations

import base64
import hashlib

ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
END_OF_HEAD = b"\r\n\r\n"


class HandshakeRefused(Exception):
    """The server answered the upgrade request with something else than a valid 101."""


def upgrade_request(host: str, port: int, path: str, key: bytes, extensions: str | None = None) -> bytes:
    """Return an upgrade request with a key, and the extensions to offer; without any, no contestant compresses."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key.decode('ascii')}",
        "Sec-WebSocket-Version: 13",
    ]
    if extensions is not None:
        lines.append(f"Sec-WebSocket-Extensions: {extensions}")
    return "\r\n".join(lines).encode("ascii") + END_OF_HEAD


def accept_token(key: bytes) -> bytes:
    """Return the `Sec-WebSocket-Accept` that answers a key (RFC 6455, section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + ACCEPT_GUID).digest())


def check_answer(head: bytes, key: bytes, *, offered: bool = False) -> str:
    """Check a server's answer to the upgrade request, and return the extensions that it takes into use.

    Arguments:
        head: the response up to and with its empty line.
        key: the `Sec-WebSocket-Key` that was sent.
        offered: whether extensions were offered.

    Raises:
        HandshakeRefused: the status is not 101, `Sec-WebSocket-Accept` is wrong, an extension was taken into use that
            nobody offered, or something follows the head although nothing was asked.
    """
    lines, _, rest = head.partition(END_OF_HEAD)
    status, *fields = lines.split(b"\r\n")
    if status.split(b" ", 2)[1:2] != [b"101"]:
        raise HandshakeRefused(f"the server answered {status!r}, not 101")
    headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(b":") for field in fields)}
    accept = headers.get(b"sec-websocket-accept", b"")
    if accept != accept_token(key):
        raise HandshakeRefused(f"Sec-WebSocket-Accept is {accept!r}, it should be {accept_token(key)!r}")
    extensions = headers.get(b"sec-websocket-extensions")
    if extensions is not None and not offered:
        raise HandshakeRefused("the server uses an extension that nobody offered")
    if rest:
        raise HandshakeRefused(f"the server sent {rest[:40]!r} before the first message")
    return "" if extensions is None else extensions.decode("latin-1")
