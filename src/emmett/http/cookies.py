"""Cookies (RFC 6265): those of a request, and those that a response sets.

Both are a `http.cookies.SimpleCookie` and work as the standard library documents, with two differences. A cookie may
have any name that is a token (RFC 6265, 4.1.1), whereas the standard library refuses the names of attributes, such as
`path` and `version`. And the header of a request is parsed by code of our own: `SimpleCookie.load` stops at the first
pair that it does not like, reads `path` and `domain` as attributes, and lets a quoted string swallow later cookies.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from http.cookies import CookieError, Morsel, SimpleCookie
from typing import Any

# A token, and the colon, which the standard library accepts too.
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z:]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# cookie-octet of RFC 6265, 4.1.1: the characters of a value without quotes.
_PLAIN_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
_CODED_VALUE = re.compile(r'[\x20-\x2b\x2d-\x3a\x3c-\x7e]*|"[\x20-\x3a\x3c-\x7e]*"')
_ESCAPABLE = re.compile(rb'[\x80-\xff",;\\]')
_ESCAPE = re.compile(rb"\\(?:([0-3][0-7][0-7])|(.))", re.DOTALL)
# av of RFC 6265, 4.1.1: printable ASCII without the semicolon.
_ATTRIBUTE_VALUE = re.compile(r"[\x20-\x3a\x3c-\x7e]*")
# The attributes in their usual spelling; those of `Morsel` lack Partitioned before Python 3.14.
_ATTRIBUTES = {
    "comment": "Comment",
    "domain": "Domain",
    "expires": "Expires",
    "httponly": "HttpOnly",
    "max-age": "Max-Age",
    "partitioned": "Partitioned",
    "path": "Path",
    "samesite": "SameSite",
    "secure": "Secure",
    "version": "Version",
}
_FLAGS = ("httponly", "partitioned", "secure")
_SAME_SITE = {"strict": "Strict", "lax": "Lax", "none": "None"}
_SECONDS = re.compile(r"-?[0-9]+")


def parse_cookies(header: str) -> SimpleCookie:
    """Parse a Cookie header (RFC 6265, 4.2.1).

    Arguments:
        header: the value of the header, decoded as latin-1; several headers are joined with `"; "`.

    Returns the cookies by name, each with its `.value`. The first cookie of a name counts, since browsers send the one
    with the most specific path first. Text that is not a pair and names that are not tokens are ignored; nothing
    raises. A semicolon always ends a pair, even inside quotes, as in browsers. The time grows only with the length of
    the header.
    """
    cookies = SimpleCookie()
    for pair in header.split(";"):
        name, equals, coded = pair.partition("=")
        name, coded = name.strip(" \t"), coded.strip(" \t")
        if not equals or name in cookies or _CONTROL.search(coded):
            continue
        morsel = _NamedMorsel()
        try:
            morsel.set(name, _decode_value(coded), coded)
        except CookieError:
            continue
        cookies[name] = morsel
    return cookies


class _NamedMorsel(Morsel[str]):
    """A cookie with any name that is a token."""

    def set(self, key: str, val: str, coded_val: str) -> None:
        if not _NAME.fullmatch(key):
            raise CookieError(f"{key!r} is not a token")
        self.__setstate__({"key": key, "value": val, "coded_value": coded_val})  # type: ignore[attr-defined]


def _decode_value(coded: str) -> str:
    if len(coded) >= 2 and coded[0] == coded[-1] == '"':
        coded = coded[1:-1]
    elif coded.isascii():
        return coded
    try:
        octets = coded.encode("latin-1")
    except UnicodeEncodeError:
        return coded
    octets = _ESCAPE.sub(_unescape, octets)
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _unescape(match: re.Match[bytes]) -> bytes:
    octal: bytes | None = match[1]
    if octal is None:
        character: bytes = match[2]
        return character
    return bytes((int(octal, 8),))


class ResponseCookies(SimpleCookie):
    """The cookies that a response sets: `cookies["name"] = "value"`, then `cookies["name"]["path"] = "/"`.

    A value may contain any text except control characters. Characters that are not allowed in a cookie are quoted and
    escaped as `http.cookies` does, non-ASCII letters as UTF-8.

    Raises:
        ValueError: on assignment of an invalid name, value or attribute.
    """

    def __setitem__(self, name: str, value: str | Morsel[str]) -> None:
        morsel = _ResponseMorsel()
        if isinstance(value, Morsel):
            text, attributes = value.value, dict(value)
        else:
            # A new value keeps the attributes, as in SimpleCookie.
            text, attributes = value, dict(self.get(name, ()))
        try:
            morsel.set(name, *self.value_encode(text))
        except CookieError:
            raise ValueError(f"cookie name {name!r}: allowed are ASCII letters, digits and !#$%&'*+-.^_`|~:") from None
        morsel.update(attributes)
        dict.__setitem__(self, name, morsel)

    def value_encode(self, value: object) -> tuple[str, str]:
        """Return the value as text and in its encoded form."""
        text = str(value)
        if _CONTROL.search(text):
            raise ValueError(f"cookie value {text!r}: control characters are not allowed")
        if _PLAIN_VALUE.fullmatch(text):
            return text, text
        escaped = _ESCAPABLE.sub(lambda match: b"\\%03o" % match[0][0], text.encode("utf-8"))
        return text, f'"{escaped.decode("ascii")}"'

    def header_values(self) -> list[str]:
        """Return the value of a Set-Cookie header for each cookie (RFC 6265, 4.1).

        Raises:
            ValueError: the attributes of a cookie are inconsistent, so that a browser would refuse it; or the cookie
                bypassed the checks of assignment, for example through `dict.update`.
        """
        return [_header_value(morsel) for morsel in self.values()]


class _ResponseMorsel(_NamedMorsel):
    """A cookie with its attributes, checked on assignment."""

    def __setitem__(self, name: str, value: Any) -> None:
        if name.lower() not in _ATTRIBUTES:
            raise ValueError(f"cookie attribute {name!r}: allowed are {', '.join(_ATTRIBUTES)}")
        # Bypasses the check of `Morsel`, which knows fewer attributes.
        dict.__setitem__(self, name.lower(), _attribute(name.lower(), value))

    def setdefault(self, name: str, value: str | None = None) -> str:
        if not self.get(name.lower()):
            self[name] = value
        found: str = self[name.lower()]
        return found

    def update(self, values: Any = (), /, **more: Any) -> None:
        for name, value in dict(values, **more).items():
            self[name] = value


def _attribute(name: str, value: object) -> object:
    """Return an attribute's value in the form that `Morsel` writes, after checking it."""
    if value is None or value is False:
        return ""
    if name in _FLAGS:
        return bool(value) or ""
    if isinstance(value, datetime):
        return _http_date(value.astimezone(UTC))
    if isinstance(value, (int, float)) and name in ("expires", "max-age"):
        return int(value)
    if not isinstance(value, str):
        raise ValueError(f"cookie attribute {name}={value!r}: expected a str, not {type(value).__name__}")
    if not _ATTRIBUTE_VALUE.fullmatch(value):
        raise ValueError(f"cookie attribute {name}={value!r}: only printable ASCII without ';' is allowed")
    if name == "samesite" and value:
        if value.lower() not in _SAME_SITE:
            raise ValueError(f"cookie attribute samesite={value!r}: allowed are {', '.join(_SAME_SITE.values())}")
        return _SAME_SITE[value.lower()]
    if name == "path" and value and not value.startswith("/"):
        raise ValueError(f"cookie attribute path={value!r}: expected a path that begins with '/'")
    if name == "max-age" and value and not _SECONDS.fullmatch(value):
        raise ValueError(f"cookie attribute max-age={value!r}: expected a number of seconds")
    return value


def _header_value(morsel: Morsel[str]) -> str:
    coded = morsel.coded_value
    if not isinstance(coded, str) or not _CODED_VALUE.fullmatch(coded):
        raise ValueError(f"cookie {morsel.key}: {coded!r} is not allowed in a Set-Cookie header")
    parts = [f"{morsel.key}={coded}"]
    for name, value in sorted(morsel.items()):
        checked = _attribute(name, value)
        if checked is True:
            parts.append(_ATTRIBUTES[name])
        elif checked != "":
            if name == "expires" and isinstance(checked, int):
                # A number means seconds from now, as in `http.cookies`.
                checked = _http_date(datetime.now(UTC) + timedelta(seconds=checked))
            parts.append(f"{_ATTRIBUTES[name]}={checked}")
    _check_rules(morsel)
    return "; ".join(parts)


def _http_date(moment: datetime) -> str:
    from email.utils import format_datetime

    return format_datetime(moment, usegmt=True)


def _check_rules(morsel: Morsel[str]) -> None:
    """Refuse the cookies that browsers refuse silently (RFC 6265bis, 4.1.2.7, 4.1.3 and 5.7; CHIPS, 2)."""
    name, secure = morsel.key.lower(), bool(morsel.get("secure"))
    wanted = [
        (str(morsel.get("samesite", "")).lower() == "none", "samesite='None'"),
        (bool(morsel.get("partitioned")), "partitioned"),
        (name.startswith(("__secure-", "__host-")), "a name with this prefix"),
    ]
    for applies, what in wanted:
        if applies and not secure:
            raise ValueError(f"cookie {morsel.key}: {what} needs secure=True, or browsers refuse the cookie")
    if name.startswith("__host-") and (morsel.get("path") != "/" or morsel.get("domain")):
        raise ValueError(f"cookie {morsel.key}: the prefix __Host- needs path='/' and no domain")
