"""Host names, out of a Host header and as routes give them."""

from __future__ import annotations

import re

from emmett.errors import ConfigurationError

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:]*:[0-9a-f:.]*")
_AUTHORITY = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def split_host(host: str) -> tuple[str, str]:
    """Return name and port of a Host header (RFC 9110, 7.2), the port as text, empty when there is none.

    The name is in lower case, without the brackets of an IPv6 address and without the dot at the end that says that a
    name is complete.
    """
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":")
    elif host.count(":") > 1:
        name, port = host, ""  # an IPv6 address without brackets
    else:
        name, _, port = host.partition(":")
    return name.removesuffix(".").lower(), port


def check_hostname(hostname: str) -> str:
    """Return the name that a route asks for in the form of `split_host`.

    Raises:
        ConfigurationError: this is no host name, or one with a port or a wildcard.
    """
    name, port = split_host(hostname)
    if port or not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"hostname {hostname!r} is not allowed; write one full host name without scheme, port or wildcard, "
            "such as 'blog.example.com'; other scripts than ASCII in their 'xn--' form"
        )
    return name


def check_authority(host: str) -> str:
    """Return a host with an optional port, as it may stand in a URL.

    Raises:
        ConfigurationError: it is none.
    """
    if not _AUTHORITY.fullmatch(host):
        raise ConfigurationError(
            f"host {host!r} cannot stand in a URL; write 'name', 'name:port', '[IPv6]' or '[IPv6]:port', "
            "other scripts than ASCII in their 'xn--' form"
        )
    return host
