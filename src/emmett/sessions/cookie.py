"""The cookie of a session: its name and attributes, checked, and how it is set and deleted."""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from ..errors import ConfigurationError, UsageError
from ..http.cookies import ResponseCookies
from ..http.response import Response

SAME_SITE = ("Strict", "Lax", "None")
# Browsers keep at least 4,096 bytes of a cookie with its attributes (RFC 6265, 6.1); some count three bytes more.
MAX_SIZE = 4093
DEFAULT_NAME = "emmett_session"


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """How the cookie of a session is sent (RFC 6265, 4.1). HttpOnly and `Path=/` always belong to it.

    Attributes:
        name: its name.
        expire: seconds until the browser forgets it.
        secure: whether it is sent over TLS only.
        samesite: `Strict`, `Lax` or `None`: with which requests that other sites cause it is sent.
        domain: the domain whose hosts all get it; None for this host only.

    Raises:
        ConfigurationError: an attribute cannot be, or browsers would not take the cookie with the others.
    """

    name: str
    expire: float
    secure: bool
    samesite: str
    domain: str | None

    def __post_init__(self) -> None:
        if type(self.expire) not in (int, float) or not 1 <= self.expire < 2**31:
            raise ConfigurationError(f"session expire={self.expire!r}: it must be seconds, from 1 to {2**31 - 1}")
        if not isinstance(self.secure, bool):
            raise ConfigurationError(f"session secure={self.secure!r}: it must be True or False")
        if self.samesite not in SAME_SITE:
            raise ConfigurationError(f"session samesite={self.samesite!r}: allowed are {', '.join(SAME_SITE)}")
        if self.domain == "":
            raise ConfigurationError(f"session domain={self.domain!r}: it must be a name, or None for this host only")
        try:
            self._cookies("").header_values()
        except ValueError as error:
            raise ConfigurationError(f"session: {error}") from None

    def read(self, cookies: SimpleCookie) -> str | None:
        """Return the value that was sent; None when there is none."""
        morsel = cookies.get(self.name)
        return None if morsel is None else morsel.value

    def set(self, response: Response, token: str) -> None:
        """Let a response set the cookie.

        Raises:
            UsageError: browsers would not keep it, as it is too large; the response is left as it was.
        """
        cookies = self._cookies(token)
        (header,) = cookies.header_values()
        if len(header) > MAX_SIZE:
            raise UsageError(
                f"the session makes a cookie of {len(header)} bytes: browsers keep {MAX_SIZE}; keep less in it, or "
                "keep it on the server, with SessionManager.redis() or SessionManager.memory()"
            )
        response.cookies[self.name] = cookies[self.name]

    def delete(self, response: Response) -> None:
        """Let a response delete the cookie."""
        response.cookies[self.name] = self._cookies("", max_age=0)[self.name]

    def _cookies(self, token: str, max_age: int | None = None) -> ResponseCookies:
        cookies = ResponseCookies()
        cookies[self.name] = token
        attributes: dict[str, Any] = {
            "max-age": int(self.expire) if max_age is None else max_age,
            "path": "/",
            "domain": self.domain,
            "samesite": self.samesite,
            "secure": self.secure,
            "httponly": True,
        }
        cookies[self.name].update(attributes)
        return cookies


def default_name(*, secure: bool, domain: str | None) -> str:
    """Return the name of a cookie for which none was chosen.

    Where it can, it has the prefix with which browsers take it from this very host alone (RFC 6265bis, 4.1.3.2).
    """
    return f"__Host-{DEFAULT_NAME}" if secure is True and domain is None else DEFAULT_NAME
