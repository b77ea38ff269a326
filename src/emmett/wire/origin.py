"""The web pages that may connect: the check of Origin that stops cross-site websocket hijacking (RFC 6455, 10.2)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

from ..errors import ConfigurationError
from .authority import parse_authority

SAME_ORIGIN = "same-origin"
ANY_ORIGIN = "*"

# The origins of pages without a host: sandboxed frames, data URLs, files. Browsers send "null", programs "file://".
_WITHOUT_HOST = frozenset(("null", "file://"))
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HTTP_SCHEMES = {"ws": "http", "wss": "https"}
_WILDCARD = "*."
# The host of a pattern for every origin of a scheme other than http and https.
_ANY_HOST = "*"
_ALLOWED = (
    f"allowed are {SAME_ORIGIN!r}, 'https://example.com', 'https://example.com:8443', 'https://*.example.com' for all "
    "subdomains, 'app://.', 'chrome-extension://*' for every origin of such a scheme, 'null', 'file://' and '*' for "
    "every origin"
)


class Origin(NamedTuple):
    """The origin of a page (RFC 6454, section 4).

    Attributes:
        scheme: in lower case; `http` for `ws` and `https` for `wss`.
        host: as `Authority.host`.
        port: the port, or the scheme's default; `None` for schemes without a default.
    """

    scheme: str
    host: str
    port: int | None


def parse_origin(text: str) -> Origin | None:
    """Parse `scheme://host` or `scheme://host:port`; return `None` for any other text, such as a whole URL.

    Some programs send the origin of the websocket itself: `ws` and `wss` therefore count as `http` and `https`.
    """
    scheme, separator, rest = text.partition("://")
    scheme = _HTTP_SCHEMES.get(scheme.lower(), scheme.lower())
    if not separator or _SCHEME.fullmatch(scheme) is None:
        return None
    authority = parse_authority(rest)
    if authority is None:
        return None
    port = authority.port if authority.port is not None else _DEFAULT_PORTS.get(scheme)
    return Origin(scheme, authority.host, port)


class OriginPolicy:
    """Decides by the Origin of a page whether it may connect.

    Arguments:
        allowed: one pattern or several. `"same-origin"` matches pages of the requested host, port and scheme;
            `"https://example.com"` only that origin; `"https://*.example.com"` all its subdomains, at any depth, but
            not the domain itself; `"chrome-extension://*"` all origins of a scheme other than http and https; `"null"`
            and `"file://"` pages without a host; `"*"` every page. `ws` counts as `http`, and `wss` as `https`.
        loopback: whether to allow pages of this machine too, at any port; for development.

    A list replaces the default: include `"same-origin"` to allow the application's own pages. Requests without Origin
    come from programs, not from pages, and are allowed: a program could send any Origin, and some send one.

    Raises:
        ConfigurationError: a pattern is not one of these.
    """

    __slots__ = ("_any", "_exact", "_same", "_schemes", "_subdomains", "_without_host", "allowed", "loopback")

    def __init__(self, allowed: str | Iterable[str] = SAME_ORIGIN, *, loopback: bool = False) -> None:
        if not isinstance(allowed, Iterable):
            raise ConfigurationError(f"origins are a str or a list of them, not {allowed!r}; {_ALLOWED}")
        self.allowed = (allowed,) if isinstance(allowed, str) else tuple(allowed)
        self.loopback = loopback
        for pattern in self.allowed:
            _check_pattern(pattern)
        self._any = ANY_ORIGIN in self.allowed
        self._same = SAME_ORIGIN in self.allowed
        self._without_host = _WITHOUT_HOST.intersection(self.allowed)
        origins = [origin for pattern in self.allowed if (origin := parse_origin(pattern)) is not None]
        self._schemes = frozenset(origin.scheme for origin in origins if origin.host == _ANY_HOST)
        self._exact = frozenset(origin for origin in origins if not origin.host.startswith(_ANY_HOST))
        # Scheme, port and suffix of the host, beginning with its dot.
        self._subdomains = [
            (origin.scheme, origin.port, origin.host[1:]) for origin in origins if origin.host.startswith(_WILDCARD)
        ]

    def allows(self, origin: str | None, *, scheme: str, host: str) -> bool:
        """Return whether a page may connect.

        Arguments:
            origin: the value of Origin; `None` if the request has none.
            scheme: the scheme of the request as the client sees it: `ws`, `wss`, `http` or `https`.
            host: the value of Host.
        """
        if origin is None or self._any:
            return True
        if origin in self._without_host:
            return True
        page = parse_origin(origin)
        if page is None:
            return False
        if self._same and _is_same(page, origin, scheme.lower(), host):
            return True
        if page in self._exact or page.scheme in self._schemes or self._is_subdomain(page):
            return True
        return self.loopback and _is_loopback(page)

    def explain(self, origin: str, *, scheme: str, host: str) -> str:
        """Return for the peer why `allows` refuses a page, without listing the allowed origins.

        Arguments:
            origin, scheme, host: as for `allows`.
        """
        said = f"the origin {_shown(origin)} may not connect"
        if not self._same:
            return said
        requested = f"{_HTTP_SCHEMES.get(scheme.lower(), scheme.lower())}://{host}"
        said += f"; same-origin means {_shown(requested)} here"
        page = parse_origin(origin)
        if page is not None and _is_same(page, origin, "https" if requested.startswith("http:") else "http", host):
            said += (
                ". Only the scheme differs: if a proxy in front terminates TLS, the server must trust its header "
                "fields (setting server.trusted_proxies)"
            )
        return said

    def _is_subdomain(self, page: Origin) -> bool:
        return any(
            page.scheme == scheme and page.port == port and page.host.endswith(suffix) and len(page.host) > len(suffix)
            for scheme, port, suffix in self._subdomains
        )

    def __repr__(self) -> str:
        return f"OriginPolicy({list(self.allowed)!r}, loopback={self.loopback!r})"


def _is_same(page: Origin, origin: str, scheme: str, host: str) -> bool:
    requested = f"{_HTTP_SCHEMES.get(scheme, scheme)}://{host}"
    # Comparing the text is enough for nearly all requests, and saves parsing the other origin.
    return origin == requested or page == parse_origin(requested)


def _is_loopback(page: Origin) -> bool:
    if page.scheme not in _DEFAULT_PORTS:
        return False
    if page.host == "localhost" or page.host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(page.host.strip("[]")).is_loopback
    except ValueError:
        return False


def _check_pattern(pattern: object) -> None:
    if not isinstance(pattern, str):
        raise ConfigurationError(f"an origin is a str, not {type(pattern).__name__}: {pattern!r}; {_ALLOWED}")
    if pattern in (ANY_ORIGIN, SAME_ORIGIN) or pattern in _WITHOUT_HOST:
        return
    origin = parse_origin(pattern)
    if origin is None:
        raise ConfigurationError(f"origin {pattern!r} is not valid; {_ALLOWED}")
    is_web = origin.scheme in _DEFAULT_PORTS
    if not is_web and origin.port is None and origin.host in (_ANY_HOST, "."):
        return
    rest = origin.host.removeprefix(_WILDCARD)
    if "*" in rest or not rest.strip("."):
        raise ConfigurationError(
            f"origin {pattern!r}: `*` can replace only whole subdomains, before a name, or the host of a scheme "
            f"other than http and https; {_ALLOWED}"
        )


def _shown(origin: str) -> str:
    """Return a peer's value for a message: short, in ASCII, without control characters."""
    return ascii(origin if len(origin) <= 200 else f"{origin[:200]}...")
