"""Host names, from Host headers and from routes."""

from __future__ import annotations

import re

from emmett.errors import ConfigurationError

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:]*:[0-9a-f:.]*")
_AUTHORITY = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def split_host(host: str) -> tuple[str, str]:
    """Return the name and the port of a Host header (RFC 9110, 7.2). The port is text, and empty if there is none.

    The name is in lower case, without the brackets of an IPv6 address and without the trailing dot of a fully
    qualified name.
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
    """Return the host name of a route in the form of `split_host`.

    Raises:
        ConfigurationError: this is not a host name, or it has a port or a wildcard.
    """
    name, port = split_host(hostname)
    if port or not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"hostname {hostname!r} is not allowed; write one full host name without scheme, port or wildcard, "
            "such as 'blog.example.com', with names in other scripts in their 'xn--' form"
        )
    return name


def check_authority(host: str) -> str:
    """Return a host with an optional port, if it is valid in a URL.

    Raises:
        ConfigurationError: it is not valid.
    """
    if not _AUTHORITY.fullmatch(host):
        raise ConfigurationError(
            f"host {host!r} cannot be used in a URL; write 'name', 'name:port', '[IPv6]' or '[IPv6]:port', "
            "with names in other scripts in their 'xn--' form"
        )
    return host
