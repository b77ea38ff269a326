"""`URL`: the URL of a test client's request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

from ..errors import ConfigurationError, UsageError

# A query string; a list gives several values for one name.
Params: TypeAlias = Mapping[str, object] | Iterable[tuple[str, object]]

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_PORTS = {"http": 80, "https": 443}
# Characters to leave as they are: those allowed in a URL (RFC 3986, 2.2), and those already escaped.
_SAFE = "%/:?#[]@!$&'()*+,;=|^`{}\\"


class URL(NamedTuple):
    """An HTTP URL; that of a websocket is the same with `http` in place of `ws`.

    Fields:
        scheme: `http` or `https`.
        host: the host name in lower case, or an address; an IPv6 address without brackets.
        port: the port.
        target: path and query string, as they are sent.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The value of Host; the default port of the scheme is left out (RFC 9110, 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def path(self) -> str:
        """The path, as it is sent."""
        return self.target.partition("?")[0]

    @property
    def secure(self) -> bool:
        """Whether it uses TLS."""
        return self.scheme == "https"

    def join(self, text: str, params: Params | None = None) -> URL:
        """Return the URL of a path on this host, or parse a whole URL.

        Arguments:
            text: a path, which begins with a slash and is sent as it is, dots included, or a whole URL. Characters
                outside ASCII, spaces and control characters are percent-encoded; a fragment is left out.
            params: query fields to add.

        Raises:
            UsageError: the text is neither.
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
        """Return whether secrets of this URL may be sent to another one: the same host, or the same with TLS."""
        upgraded = other.secure and not self.secure and self.port == 80 and other.port == 443
        return self.host == other.host and (self[:3] == other[:3] or upgraded)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str) -> URL:
    """Parse a whole URL.

    Raises:
        ConfigurationError: the scheme is not http, https, ws or wss, or there is a user or an invalid port.
    """
    try:
        parts = urlsplit(text)
        scheme, host, port = _SCHEMES[parts.scheme], parts.hostname, parts.port
    except (KeyError, ValueError):
        host = None
    if not host or "@" in parts.netloc:
        raise ConfigurationError(f"URL {text!r}: expected http://host, https://host, or either with a port")
    return URL(scheme, host, port or _PORTS[scheme], (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
