"""The hosts that a server accepts: the check of Host that stops DNS rebinding (RFC 9110, 7.2 and 7.4)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from ..errors import ConfigurationError
from .authority import parse_authority

ANY_HOST = "*"

_WILDCARD = "*."
_ALLOWED = (
    "allowed are names such as 'example.com', 'example.com:8443' for one port, '*.example.com' for all subdomains, "
    "addresses such as '192.0.2.7' or '[2001:db8::7]', and '*' for every host"
)


class AllowedHosts:
    """The hosts that a server accepts.

    Another site can point its own name at the address of this server. The browser then treats both as one origin, and
    only the Host field reveals it, because it still contains that name.

    Arguments:
        entries: one entry or several. `"example.com"` matches that host at any port, `"example.com:8443"` only at that
            port; `"*.example.com"` matches all its subdomains, at any depth, but not the host itself; `"*"` matches
            every host. Addresses are written as in a URL; the brackets of an IPv6 address are optional.
        loopback: whether to add the names and addresses of this machine, including `localhost` and its subdomains.
        addresses: whether to add every address: a request without a name cannot come from a rebound name.

    Raises:
        ConfigurationError: an entry is none of these.
    """

    __slots__ = ("_addresses", "_any", "_exact", "_loopback", "_subdomains", "entries")

    def __init__(self, entries: str | Iterable[str], *, loopback: bool = False, addresses: bool = False) -> None:
        if not isinstance(entries, Iterable):
            raise ConfigurationError(f"allowed hosts are a str or a list of them, not {entries!r}; {_ALLOWED}")
        self.entries = (entries,) if isinstance(entries, str) else tuple(entries)
        self._any = ANY_HOST in self.entries
        self._loopback = loopback
        self._addresses = addresses
        self._exact: set[tuple[str, int | None]] = set()
        self._subdomains: list[tuple[str, int | None]] = []
        for entry in self.entries:
            if entry != ANY_HOST:
                self._add(entry)

    def allows(self, host: str) -> bool:
        """Return whether a host is accepted.

        Arguments:
            host: the value of Host, a name or an address, perhaps with a port.
        """
        if self._any:
            return True
        authority = parse_authority(host)
        if authority is None:
            return False
        name, address = _normal(authority.host)
        if (name, None) in self._exact or (name, authority.port) in self._exact:
            return True
        if address is not None:
            return self._addresses or (self._loopback and address.is_loopback)
        if self._loopback and (name == "localhost" or name.endswith(".localhost")):
            return True
        return any(
            name.endswith(suffix) and len(name) > len(suffix) and port in (None, authority.port)
            for suffix, port in self._subdomains
        )

    def _add(self, entry: object) -> None:
        if not isinstance(entry, str):
            raise ConfigurationError(f"a host is a str, not {type(entry).__name__}: {entry!r}; {_ALLOWED}")
        text = entry.removeprefix(_WILDCARD)
        authority = parse_authority(f"[{text}]" if text.count(":") > 1 and text[0] != "[" else text)
        if authority is None or "*" in text or not authority.host.strip("."):
            raise ConfigurationError(f"host {entry!r} is not valid; {_ALLOWED}")
        name, address = _normal(authority.host)
        if text is entry or text == entry:
            self._exact.add((name, authority.port))
        elif address is None:
            self._subdomains.append((f".{name}", authority.port))
        else:
            raise ConfigurationError(f"host {entry!r} is not valid: an address has no subdomains; {_ALLOWED}")

    def __repr__(self) -> str:
        return f"AllowedHosts({list(self.entries)!r}, loopback={self._loopback!r}, addresses={self._addresses!r})"


def _normal(host: str) -> tuple[str, ipaddress.IPv4Address | ipaddress.IPv6Address | None]:
    """Return the host of an authority in normal form, and as an address if it is one.

    A name may end with the dot of the DNS root; an IPv4 address may be spelled as IPv6.
    """
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host.removesuffix("."), None
    address = getattr(address, "ipv4_mapped", None) or address
    return str(address), address
