"""The client's address, scheme and host as proxies report them: Forwarded (RFC 7239) and the older X-Forwarded- fields.

A client can send such fields too, and a proxy appends its own entry to the ones it received. Therefore only the entries
of trusted proxies count, and lists are read from the right: the last entry is the one that the last proxy wrote.

Every function here takes linear time for any input. Invalid entries are ignored.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from itertools import islice, zip_longest
from typing import Literal, NamedTuple

from ..errors import ConfigurationError
from .authority import parse_authority
from .fields import RawHeaders, split_list

# The entry of `TrustedProxies` for the peers of a unix socket.
UNIX = "unix"
# Proxies in a chain; further entries of a longer list are ignored.
MAX_HOPS = 32

# Prefix length of `::ffff:0:0/96`, which contains IPv4 addresses in IPv6 notation (RFC 4291, 2.5.5.2).
_MAPPED_PREFIX = 96

_FORWARDED = b"forwarded"
_X_FIELDS = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port")
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ALLOWED = f"allowed are addresses such as '127.0.0.1', networks such as '10.0.0.0/8' or 'fd00::/8', and {UNIX!r}"

# A pair of an element of Forwarded, read backwards: white space, value, "=", name, white space, and the terminator. In
# a quoted string a backslash escapes a quote, unless another backslash escapes the backslash itself. Groups are atomic,
# and not possessive, as CPython 3.11.2 does not go back to where a possessive group began that fails.
_PAIR_BACKWARDS = re.compile(
    r"""
    [ \t]*+
    (?:
        (
            "(?>(?:\\\\)*)(?!\\) (?>(?: [^"\\]\\*+ | "\\(?>(?:\\\\)*)(?!\\) )*) "
        |   [^\s"\\,;=]*+
        )
        = ([\w!#$%&'*+.^`|~-]++) [ \t]*+
    )?
    ([;,]|\Z)
    """,
    re.VERBOSE | re.ASCII,
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_NODE = re.compile(
    r"""
    (?:
        \[ ([0-9A-Fa-f:.]{2,45}) \]       # an IPv6 address
    |   ([0-9.]{7,15})                    # an IPv4 address
    |   ([0-9A-Fa-f:.]{2,45})             # an IPv6 address without brackets, as in X-Forwarded-For
    |   (?i:unknown) | _[\w.-]+           # no address: unknown, or withheld
    )
    (?: : (?: ([0-9]{1,5}) | _[\w.-]+ ) )?
    """,
    re.VERBOSE | re.ASCII,
)


class TrustedProxies:
    """The proxies whose forwarded header fields are trusted.

    Arguments:
        entries: addresses, networks, `"unix"` for the peers of a unix socket; one or several.
        headers: the fields that they write: `"x-forwarded"` or `"forwarded"`. The other kind is ignored: a proxy that
            does not know it may pass on the value that a client has sent.

    The object is false if it has no entries.

    Raises:
        ConfigurationError: an entry is none of these.
    """

    __slots__ = ("_networks", "_unix", "entries", "headers")

    def __init__(
        self, entries: str | Iterable[str] = (), headers: Literal["x-forwarded", "forwarded"] = "x-forwarded"
    ) -> None:
        self.headers = headers
        if not isinstance(entries, Iterable):
            raise ConfigurationError(f"trusted proxies are a list of str, not {entries!r}; {_ALLOWED}")
        self.entries = (entries,) if isinstance(entries, str) else tuple(entries)
        self._unix = UNIX in self.entries
        self._networks = [_parse_network(entry) for entry in self.entries if entry != UNIX]

    def __bool__(self) -> bool:
        return bool(self.entries)

    def trusts(self, peer: str | None) -> bool:
        """Return whether a peer is a trusted proxy.

        Arguments:
            peer: its address; `None` for the peer of a unix socket.
        """
        if peer is None:
            return self._unix
        address = _parse_address(peer)
        return address is not None and any(address in network for network in self._networks)

    def __repr__(self) -> str:
        return f"TrustedProxies({list(self.entries)!r})"


class Visitor(NamedTuple):
    """The client that made a request, and the scheme and host it asked for, before any proxy.

    Attributes:
        client: address and port, 0 for an unknown port; `None` if a proxy does not give the address.
        scheme: `http` or `https`.
        host: name or address, perhaps with a port; `None` if no proxy gives a host other than that of the Host field.
    """

    client: tuple[str, int] | None
    scheme: str
    host: str | None


class _Claim(NamedTuple):
    """The unparsed statements of one proxy about its own client; `None` for those it omits."""

    node: str | None
    scheme: str | None
    host: str | None
    port: str | None = None


def find_visitor(
    peer: tuple[str, int] | None, scheme: str, headers: RawHeaders, trusted: TrustedProxies
) -> Visitor | None:
    """Return the client that made a request through trusted proxies.

    The walk begins at the peer. While a hop is trusted, its claim about its own client counts, and that client becomes
    the next hop. Forwarded and the X-Forwarded- fields are never mixed.

    Arguments:
        peer: address and port of the other end of the connection; `None` for a unix socket.
        scheme: the scheme of the connection, `http` or `https`.
        headers: pairs of lower-case name and value.
        trusted: the trusted proxies.

    Returns:
        The visitor; `None` if the peer is not trusted or forwards no information.
    """
    forwarded: dict[bytes, list[bytes]] = {}
    read = _X_FIELDS if trusted.headers == "x-forwarded" else (_FORWARDED,)
    for name, value in headers:
        if name in read:
            forwarded.setdefault(name, []).append(value)
    if not forwarded or not trusted.trusts(peer[0] if peer else None):
        return None
    claims = _read_x_fields(forwarded) if trusted.headers == "x-forwarded" else _read_forwarded(forwarded)
    client = peer
    host: str | None = None
    for claim in islice(claims, MAX_HOPS):
        scheme = _SCHEMES.get((claim.scheme or "").lower(), scheme)
        host = _read_host(claim, scheme) or host
        node = _NODE.fullmatch(claim.node or "")
        if node is None:
            break
        text = node[1] or node[2] or node[3]
        address = _parse_address(text) if text else None
        if text and address is None:
            break
        client = (str(address), _parse_port(node[4])) if address else None
        if client is None or not trusted.trusts(client[0]):
            break
    return Visitor(client, scheme, host)


def _read_forwarded(fields: dict[bytes, list[bytes]]) -> Iterator[_Claim]:
    """Parse the elements of Forwarded from the last one backwards, up to the first invalid one (RFC 7239, 4).

    Forwards, an unclosed quote of a client would hide the elements that the proxies appended.
    """
    backwards = b",".join(fields.get(_FORWARDED, ())).decode("latin-1")[::-1]
    position = 0
    pairs: dict[str, str] = {}
    while match := _PAIR_BACKWARDS.match(backwards, position):
        position = match.end()
        value, name, end = match.groups()
        if name is not None:
            name = name[::-1].lower()
            if name in pairs:
                return
            pairs[name] = _unquote(value[::-1])
        if end != ";" and pairs:
            yield _Claim(pairs.get("for"), pairs.get("proto"), pairs.get("host"))
            pairs = {}
        if not end:
            return


def _read_x_fields(fields: dict[bytes, list[bytes]]) -> Iterator[_Claim]:
    """Parse the X-Forwarded- fields from the right; some proxies write lists in all of them, others only in one."""
    columns = []
    for name in _X_FIELDS:
        members = split_list(b",".join(fields.get(name, ())))
        columns.append([member.decode("latin-1") for member in reversed(members)])
    return (_Claim(*row) for row in zip_longest(*columns))


def _read_host(claim: _Claim, scheme: str) -> str | None:
    authority = parse_authority(claim.host) if claim.host else None
    if authority is None:
        return None
    port = _parse_port(claim.port) if authority.port is None else 0
    return claim.host if port in (0, _DEFAULT_PORTS[scheme]) else f"{(claim.host or '').rstrip(':')}:{port}"


def _unquote(value: str) -> str:
    return _QUOTED_PAIR.sub(r"\1", value[1:-1]) if value[:1] == '"' else value


def _parse_port(text: str | None) -> int:
    port = int(text) if text and len(text) <= 5 and text.isascii() and text.isdigit() else 0
    return port if port <= 65535 else 0


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an address; an IPv4-mapped IPv6 address from a dual-stack listener becomes an IPv4 address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _parse_network(entry: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if not isinstance(entry, str):
        raise ConfigurationError(f"a trusted proxy is a str, not {type(entry).__name__}: {entry!r}; {_ALLOWED}")
    try:
        network = ipaddress.ip_network(entry)
    except ValueError as error:
        raise ConfigurationError(f"trusted proxy {entry!r} is not valid: {error}; {_ALLOWED}") from None
    if isinstance(network, ipaddress.IPv4Network):
        return network
    if network.network_address.scope_id is not None:
        raise ConfigurationError(
            f"trusted proxy {entry!r} is not valid: peers are known without their zone, write "
            f"{entry.partition('%')[0]!r}; {_ALLOWED}"
        )
    return _unmapped(network)


def _unmapped(network: ipaddress.IPv6Network) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return an IPv4-mapped IPv6 network as an IPv4 network, since peers are compared as IPv4."""
    mapped = network.network_address.ipv4_mapped
    if mapped is None or network.prefixlen < _MAPPED_PREFIX:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))
