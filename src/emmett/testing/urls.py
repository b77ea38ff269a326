"""`URL`: where a request of a test client goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

from ..errors import ConfigurationError, UsageError

# What goes behind the `?`; a list stands for a name that comes several times.
Params: TypeAlias = Mapping[str, object] | Iterable[tuple[str, object]]

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_PORTS = {"http": 80, "https": 443}
# What is left as it is: all that may stand in a URL (RFC 3986, 2.2), and what is escaped already.
_SAFE = "%/:?#[]@!$&'()*+,;=|^`{}\\"


class URL(NamedTuple):
    """A URL of HTTP; that of a websocket is the same with `http` for `ws`.

    Fields:
        scheme: `http` or `https`.
        host: the host name in lower case, or an address; that of IPv6 without brackets.
        port: the port.
        target: path and query string, as they are sent.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The value of Host: the port is left out when it is that of the scheme (RFC 9110, 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def path(self) -> str:
        """The path, as it is sent."""
        return self.target.partition("?")[0]

    @property
    def secure(self) -> bool:
        """Whether it goes through TLS."""
        return self.scheme == "https"

    def join(self, text: str, params: Params | None = None) -> URL:
        """Return the URL of a path on this host, or another one.

        Arguments:
            text: a path, which begins with a slash and is sent as it stands, dots included, or a whole URL. Letters
                outside of ASCII, spaces and control characters are percent-encoded; a fragment is left out.
            params: what is added behind the `?`.

        Raises:
            UsageError: it is neither.
        """
        text = quote(text.partition("#")[0], safe=_SAFE)
        if text.startswith("/"):
            url = self._replace(target=text)
        else:
            try:
                url = parse_url(text)
            except ConfigurationError:
                raise UsageError(
                    f"{text!r}: expected a path that begins with '/', or a URL of http, https, ws or wss"
                ) from None
        if params:
            pairs = params.items() if isinstance(params, Mapping) else params
            query = urlencode([(name, value) for name, value in pairs if value is not None], doseq=True)
            if query:
                url = url._replace(target=url.target + ("&" if "?" in url.target else "?") + query)
        return url

    def is_same_origin(self, other: URL) -> bool:
        """Whether what is secret here may be told to the other one: the same host, or the same behind TLS."""
        upgraded = other.secure and not self.secure and self.port == 80 and other.port == 443
        return self.host == other.host and (self[:3] == other[:3] or upgraded)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str) -> URL:
    """Read a whole URL.

    Raises:
        ConfigurationError: it is none of http, https, ws or wss, or has a user or a port that cannot be.
    """
    try:
        parts = urlsplit(text)
        scheme, host, port = _SCHEMES[parts.scheme], parts.hostname, parts.port
    except (KeyError, ValueError):
        host = None
    if not host or "@" in parts.netloc:
        raise ConfigurationError(f"URL {text!r}: expected http://host, https://host, or either with a port")
    return URL(scheme, host, port or _PORTS[scheme], (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
