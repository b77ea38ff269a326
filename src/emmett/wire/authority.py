"""Host and port as the Host and Origin header fields contain them (RFC 3986, 3.2.2 and 3.2.3)."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

# Longer names do not exist in DNS (RFC 1035, 2.3.4).
MAX_HOST_LENGTH = 255
MAX_LENGTH = MAX_HOST_LENGTH + len(":65535")

_AUTHORITY = re.compile(
    r"""
    (
        [\w.~!$&'()*+,;=-]* (?: %[0-9A-Fa-f]{2} [\w.~!$&'()*+,;=-]* )*   # a registered name or an IPv4 address
    |   \[ [0-9A-Fa-f:.]+ \]                                             # an IPv6 address
    )
    (?: : ([0-9]{0,5}) )?
    """,
    re.VERBOSE | re.ASCII,
)


class Authority(NamedTuple):
    """A host and an optional port.

    Attributes:
        host: lower-case name or address; an IPv6 address is in brackets and in its shortest form.
        port: `None` when there is none.
    """

    host: str
    port: int | None


def parse_authority(text: str) -> Authority | None:
    """Parse `host` or `host:port`, where the host is a name, an IPv4 address or an IPv6 address in brackets.

    Returns:
        The parts; `None` when the text is invalid. User names, paths and zone identifiers are invalid, and so are an
        empty host, a host of more than 255 characters and a port above 65535.
    """
    return _parse(text) if len(text) <= MAX_LENGTH else None


# Most requests name the same few hosts. The memory is bounded by the length and the number.
@lru_cache(256)
def _parse(text: str) -> Authority | None:
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    host, digits = match.groups()
    if not 0 < len(host) <= MAX_HOST_LENGTH:
        return None
    if host[0] == "[":
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        except ValueError:
            return None
    port = int(digits) if digits else None
    if port is not None and port > 65535:
        return None
    return Authority(host.lower(), port)


def format_authority(host: str, port: int) -> str:
    """Return `host:port`, with an IPv6 address in brackets (RFC 3986, 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"
