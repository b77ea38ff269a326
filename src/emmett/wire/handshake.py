"""The opening handshake (RFC 6455, section 4.2): checking the upgrade request, encoding the response.

The rate of new connections depends on this file, so a valid request takes one dict, a few look-ups and one SHA-1: about
6 µs to check and 1 µs to answer.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Collection
from hashlib import sha1
from http import HTTPStatus
from typing import NamedTuple

from ..errors import HandshakeError, RequestError
from .authority import parse_authority
from .fields import (
    WHITESPACE,
    HeaderFields,
    RawHeaders,
    encode_fields,
    find_fault,
    has_member,
    is_token,
    split_list,
)

# Bytes in Sec-WebSocket-Protocol or Sec-WebSocket-Extensions, over all their lines. Some clients put a token of a few
# thousand bytes into the former.
MAX_LIST_SIZE = 8192

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# 16 bytes in base64. The unused bits of the last letter are ignored: they are not zero in the example key of RFC 6455
# (4.1), which some clients do send.
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
_VISIBLE = re.compile(r"[\x20-\x7e]*")

_SINGLE_FIELDS = frozenset(
    (
        b"content-length",
        b"host",
        b"origin",
        b"sec-websocket-key",
        b"sec-websocket-version",
    )
)

_ACCEPT_HEAD = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_FINAL_STATUSES = range(200, 600)
_BODILESS = frozenset((204, 205, 304))

_BY_SERVER = "the server sets it"
_NEVER_SET = {
    b"connection": _BY_SERVER,
    b"content-length": _BY_SERVER,
    b"sec-websocket-accept": _BY_SERVER,
    b"sec-websocket-extensions": _BY_SERVER,
    b"sec-websocket-protocol": "give the subprotocol as `subprotocol=` when accepting",
    b"transfer-encoding": _BY_SERVER,
}
_NOT_IN_ACCEPT = {**_NEVER_SET, b"upgrade": _BY_SERVER}


class Upgrade(NamedTuple):
    """A valid upgrade request.

    Attributes:
        key: the value of Sec-WebSocket-Key.
        subprotocols: the subprotocols that the client offers, in its order of preference.
        extensions: the unparsed values of Sec-WebSocket-Extensions, joined by commas; `""` without any.
        origin: the value of Origin; `None` if there is none. Not yet checked: see `OriginPolicy`.
        host: the value of Host as it was sent: a valid host with or without a port.
    """

    key: bytes
    subprotocols: tuple[str, ...]
    extensions: str
    origin: str | None
    host: str


def is_upgrade(headers: RawHeaders) -> bool:
    """Return whether a request asks for a websocket: Connection lists `upgrade`, Upgrade lists `websocket` (4.2.1).

    Arguments:
        headers: pairs of lower-case name and value.
    """
    connection = upgrade = False
    for name, value in headers:
        if name == b"upgrade":
            upgrade = upgrade or has_member(value, b"websocket")
        elif name == b"connection":
            connection = connection or has_member(value, b"upgrade")
    return connection and upgrade


def is_broken_upgrade(headers: RawHeaders) -> bool:
    """Return whether a request is meant as a websocket handshake but does not ask for the upgrade.

    Only websocket clients send Sec-WebSocket-Key. If Connection or Upgrade is wrong then, the client is at fault or a
    proxy has dropped the fields. Answer such a request with 400, as `check_upgrade` does.
    """
    return any(name == b"sec-websocket-key" for name, _ in headers) and not is_upgrade(headers)


def is_key(value: bytes) -> bool:
    """Return whether a value is one of Sec-WebSocket-Key: 16 bytes in base64, without whitespace around them."""
    return _KEY.fullmatch(value) is not None


def check_host(headers: RawHeaders) -> None:
    """Check that an HTTP/1.1 request has exactly one Host, and a valid one (RFC 9112, 3.2).

    Raises:
        RequestError: with 400, if Host is missing, repeated or invalid.
    """
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1:
        raise RequestError(400, "more than one Host field")
    if not hosts:
        raise RequestError(400, "the Host field is missing")
    host = hosts[0].strip(WHITESPACE)
    if parse_authority(host.decode("latin-1")) is None:
        raise RequestError(400, _bad_host(host))


def check_upgrade(method: bytes, http_version: str, headers: RawHeaders) -> Upgrade:
    """Check an upgrade request against RFC 6455, 4.2.1, and RFC 9110.

    Arguments:
        method: the request method.
        http_version: such as `"1.1"`.
        headers: pairs of lower-case name and value.

    Raises:
        HandshakeError: 505 for an HTTP version other than 1.1, 405 for a method other than GET, 426 for a version of
            the websocket protocol other than 13, 431 for a list of subprotocols or extensions that is too long, 400 for
            any other error.
    """
    if http_version != "1.1":
        raise HandshakeError(505, "a websocket handshake requires HTTP/1.1")
    if method != b"GET":
        raise HandshakeError(405, "a websocket handshake requires the method GET", {"Allow": "GET"})
    fields = dict(headers)
    if len(fields) != len(headers):
        fields = _join_repeated(headers)
    fault = find_fault(fields.keys(), fields.values())
    if fault is not None:
        raise HandshakeError(400, fault)
    host = _read_host(fields)
    _check_no_body(fields)
    _check_protocol(fields)
    return Upgrade(_read_key(fields), _read_subprotocols(fields), _read_extensions(fields), _read_origin(fields), host)


def check_accept(
    offered: Collection[str], subprotocol: str | None, headers: HeaderFields = ()
) -> list[tuple[bytes, bytes]]:
    """Check the subprotocol and header fields with which the application accepts a handshake.

    Arguments:
        offered: the subprotocols that the client offers.
        subprotocol: the subprotocol that the application chooses, or `None`.
        headers: further header fields of the response.

    Returns:
        The header fields as pairs of lower-case name and value.

    Raises:
        ValueError: the subprotocol was not offered, or a header field must not or cannot be sent.
    """
    if subprotocol is not None and subprotocol not in offered:
        choice = f"offered are {', '.join(map(repr, offered))}" if offered else "the client offers none"
        raise ValueError(f"subprotocol {subprotocol!r} was not offered; {choice}")
    return encode_fields(headers, _NOT_IN_ACCEPT) if headers else []


def accept_response(
    upgrade: Upgrade, *, subprotocol: str | None, headers: HeaderFields = (), extensions: str | None = None
) -> bytes:
    """Return the complete response that opens the connection (RFC 6455, 4.2.2).

    Arguments:
        upgrade: the request, as `check_upgrade` returned it.
        subprotocol: one of the client's offers, or `None`.
        headers: further header fields.
        extensions: the value of Sec-WebSocket-Extensions for the agreed extensions; `None` without any.

    Raises:
        ValueError: the subprotocol was not offered, or a header field must not or cannot be sent.
    """
    lines = encode_fields(headers, _NOT_IN_ACCEPT) if headers else []
    if subprotocol is not None:
        check_accept(upgrade.subprotocols, subprotocol)
        lines.append((b"Sec-WebSocket-Protocol", subprotocol.encode("ascii")))
    if extensions is not None:
        lines += encode_fields({"Sec-WebSocket-Extensions": extensions}, {})
    # Not for security: it proves that the server understood the handshake (RFC 6455, 10.8).
    accept = b2a_base64(sha1(upgrade.key + _GUID, usedforsecurity=False).digest(), newline=False)
    if not lines:
        return _ACCEPT_HEAD + accept + b"\r\n\r\n"
    parts = [_ACCEPT_HEAD, accept, b"\r\n"]
    parts += [b"%b: %b\r\n" % line for line in lines]
    parts.append(b"\r\n")
    return b"".join(parts)


def check_refusal(status: int, headers: HeaderFields = ()) -> list[tuple[bytes, bytes]]:
    """Check the status and header fields that refuse a handshake or another request.

    Arguments:
        status: the HTTP status, 200 to 599.
        headers: header fields of the response.

    Returns:
        The header fields as pairs of lower-case name and value.

    Raises:
        ValueError: the status is not one to refuse with, or a header field must not or cannot be sent.
    """
    if status not in _FINAL_STATUSES:
        raise ValueError(f"status {status!r} cannot refuse a handshake; allowed are 200 to 599")
    return encode_fields(headers, _NEVER_SET) if headers else []


def refusal_response(status: int, body: bytes, headers: HeaderFields = (), *, date: str | None = None) -> bytes:
    """Return a complete HTTP/1.1 response after which the connection closes.

    Arguments:
        status: the HTTP status, 200 to 599.
        body: the body of the response; empty for 204, 205 and 304, which have none.
        headers: header fields, perhaps with Date; this function adds Content-Length and Connection.
        date: the value of Date, unless the fields contain it.

    Raises:
        ValueError: the status cannot refuse a request or allows no body, or a header field must not or cannot be sent.
    """
    fields = check_refusal(status, headers)
    if body and status in _BODILESS:
        raise ValueError(f"a response with status {status} has no body, this one has {len(body)} bytes")
    # Upgrade lists the protocols that the server requires, as in a 426; Connection must list it too (RFC 9110, 7.8).
    upgrade = any(name == b"upgrade" for name, _ in fields)
    if date is not None and all(name != b"date" for name, _ in fields):
        fields.insert(0, (b"date", date.encode("ascii")))
    parts = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
    parts += [b"%b: %b\r\n" % field for field in fields]
    if status not in (204, 304):
        parts.append(b"content-length: %d\r\n" % len(body))
    parts.append(b"connection: close, upgrade\r\n\r\n" if upgrade else b"connection: close\r\n\r\n")
    parts.append(body)
    return b"".join(parts)


def _join_repeated(headers: RawHeaders) -> dict[bytes, bytes]:
    """Join repeated fields (RFC 9110, 5.3), and refuse those that must not be repeated."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    for name in _SINGLE_FIELDS:
        if len(values.get(name, ())) > 1:
            raise HandshakeError(400, f"more than one {_spelled(name)} field")
    return {name: b", ".join(several) for name, several in values.items()}


def _read_host(fields: dict[bytes, bytes]) -> str:
    value = fields.get(b"host")
    if value is None:
        raise HandshakeError(400, "the Host field is missing")
    host = value.strip(WHITESPACE).decode("latin-1")
    if parse_authority(host) is None:
        raise HandshakeError(400, _bad_host(value))
    return host


def _check_no_body(fields: dict[bytes, bytes]) -> None:
    # The server would read a body as frames, and a proxy in front as something else.
    if fields.get(b"content-length", b"0").strip(WHITESPACE) != b"0":
        raise HandshakeError(400, "a websocket handshake has no body, but Content-Length is not 0")
    if b"transfer-encoding" in fields:
        raise HandshakeError(400, "a websocket handshake has no body, but there is a Transfer-Encoding field")


def _check_protocol(fields: dict[bytes, bytes]) -> None:
    if not has_member(fields.get(b"connection", b""), b"upgrade"):
        raise HandshakeError(400, "Connection does not list `Upgrade`; a proxy in between may have dropped it")
    if not has_member(fields.get(b"upgrade", b""), b"websocket"):
        raise HandshakeError(400, "Upgrade does not list `websocket`; a proxy in between may have dropped it")
    version = fields.get(b"sec-websocket-version", b"").strip(WHITESPACE)
    if version != b"13":
        raise HandshakeError(
            426,
            f"Sec-WebSocket-Version is {_shown(version)}, must be 13",
            {"Sec-WebSocket-Version": "13", "Upgrade": "websocket"},
        )


def _read_key(fields: dict[bytes, bytes]) -> bytes:
    key = fields.get(b"sec-websocket-key")
    if key is None:
        raise HandshakeError(400, "the Sec-WebSocket-Key field is missing")
    key = key.strip(WHITESPACE)
    if not is_key(key):
        raise HandshakeError(400, f"Sec-WebSocket-Key is {_shown(key)}, must be 16 bytes in base64")
    return key


def _read_subprotocols(fields: dict[bytes, bytes]) -> tuple[str, ...]:
    # Some clients send the field without a value when they offer nothing, such as SDKs of Centrifuge in Python.
    value = fields.get(b"sec-websocket-protocol", b"").strip(WHITESPACE)
    if not value:
        return ()
    _check_size(value, "Sec-WebSocket-Protocol")
    members = split_list(value)
    if not members:
        raise HandshakeError(400, "Sec-WebSocket-Protocol lists nothing; leave it out to offer no subprotocol")
    for member in members:
        if not is_token(member):
            raise HandshakeError(400, f"Sec-WebSocket-Protocol lists {_shown(member)}, which is not a token")
    if len(set(members)) != len(members):
        raise HandshakeError(400, "Sec-WebSocket-Protocol lists a subprotocol twice")
    return tuple([member.decode("ascii") for member in members])


def _read_extensions(fields: dict[bytes, bytes]) -> str:
    value = fields.get(b"sec-websocket-extensions", b"")
    _check_size(value, "Sec-WebSocket-Extensions")
    return value.decode("latin-1")


def _read_origin(fields: dict[bytes, bytes]) -> str | None:
    value = fields.get(b"origin")
    if value is None:
        return None
    origin = value.strip(WHITESPACE).decode("latin-1")
    if _VISIBLE.fullmatch(origin) is None:
        raise HandshakeError(400, "Origin holds a character outside of printable ASCII")
    return origin


def _check_size(value: bytes, name: str) -> None:
    if len(value) > MAX_LIST_SIZE:
        raise HandshakeError(431, f"{name} takes {len(value)} bytes, allowed are {MAX_LIST_SIZE}")


def _bad_host(host: bytes) -> str:
    return f"Host is {_shown(host)}, must be a name or an address, with or without a port"


def _spelled(name: bytes) -> str:
    return name.decode().title().replace("Websocket", "WebSocket")


def _shown(value: bytes) -> str:
    """Return a peer's value for a message: short, in ASCII, without control characters."""
    return ascii((value if len(value) <= 40 else value[:37] + b"...").decode("latin-1"))
