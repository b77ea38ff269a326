"""The cookie of a session: validate its name and attributes, set it, and delete it."""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from ..errors import ConfigurationError, UsageError
from ..http.cookies import ResponseCookies
from ..http.response import Response

SAME_SITE = ("Strict", "Lax", "None")
# Browsers keep cookies of at least 4,096 bytes with attributes (RFC 6265, 6.1); some count three bytes more.
MAX_SIZE = 4093
DEFAULT_NAME = "emmett_session"


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The attributes of a session's cookie (RFC 6265, 4.1). It always has HttpOnly and `Path=/`.

    Attributes:
        name: its name.
        expire: seconds until the browser forgets it.
        secure: whether it is sent only over TLS.
        samesite: whether it is sent with requests that other sites cause: `Strict`, `Lax` or `None`.
        domain: the domain whose hosts all receive it; None for this host only.

    Raises:
        ConfigurationError: an attribute is invalid, or browsers would reject the cookie with this combination.
    """

    name: str
    expire: float
    secure: bool
    samesite: str
    domain: str | None

    def __post_init__(self) -> None:
        if type(self.expire) not in (int, float) or not 1 <= self.expire < 2**31:
            raise ConfigurationError(f"session expire={self.expire!r}: expected seconds, from 1 to {2**31 - 1}")
        if not isinstance(self.secure, bool):
            raise ConfigurationError(f"session secure={self.secure!r}: expected True or False")
        if self.samesite not in SAME_SITE:
            raise ConfigurationError(f"session samesite={self.samesite!r}: allowed are {', '.join(SAME_SITE)}")
        if self.domain == "":
            raise ConfigurationError(
                f"session domain={self.domain!r}: expected a domain name, or None for this host only"
            )
        try:
            self._cookies("").header_values()
        except ValueError as error:
            raise ConfigurationError(f"session: {error}") from None

    def read(self, cookies: SimpleCookie) -> str | None:
        """Return the value in the request; None without one."""
        morsel = cookies.get(self.name)
        return None if morsel is None else morsel.value

    def set(self, response: Response, token: str) -> None:
        """Let a response set the cookie.

        Raises:
            UsageError: it is too large for browsers; the response is not changed.
        """
        cookies = self._cookies(token)
        (header,) = cookies.header_values()
        if len(header) > MAX_SIZE:
            raise UsageError(
                f"the session needs a cookie of {len(header)} bytes, but browsers keep at most {MAX_SIZE}; "
                "store less in it, or store it on the server, with SessionManager.redis() or SessionManager.memory()"
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
    """Return the default name of a cookie.

    If possible, it has the prefix that makes browsers accept it from this host only (RFC 6265bis, 4.1.3.2).
    """
    return f"__Host-{DEFAULT_NAME}" if secure is True and domain is None else DEFAULT_NAME
