"""The cookies of a test client: kept, sent back and expired as a browser does it (RFC 6265, 5.3 and 5.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from email.message import Message
from http.client import HTTPResponse
from http.cookiejar import Cookie, CookieJar
from http.cookies import Morsel, SimpleCookie
from typing import cast
from urllib.request import Request

from ..errors import UsageError
from ..http.cookies import ResponseCookies, parse_cookies
from .urls import URL


class ClientCookies(MutableMapping[str, str]):
    """Cookies by name. Cookies set here are sent to the host of the client, on every path.

    Arguments:
        url: the URL of the client's requests.
        cookies: the initial cookies.

    Attributes:
        jar: the `http.cookiejar.CookieJar` with all their properties: domain, path, expiry, Secure.

    Raises:
        UsageError: on reading a name with different values for several hosts or paths.
        ValueError: on setting a value that no cookie can have.
    """

    def __init__(self, url: URL, cookies: Mapping[str, str] | None = None) -> None:
        self._url = url
        self.jar = CookieJar()
        self.update(cookies or {})

    def header_for(self, url: URL, more: Mapping[str, str] | None = None) -> str:
        """Return the value of Cookie for a request, empty if there is nothing to send.

        Arguments:
            url: the URL of the request.
            more: cookies for this request only; they take precedence over others of the same name.
        """
        request = Request(str(url))
        self.jar.add_cookie_header(request)
        kept = [pair for pair in (request.get_header("Cookie") or "").split("; ") if pair]
        added = [f"{name}={_encoded(name, value)}" for name, value in (more or {}).items()]
        return "; ".join([*(pair for pair in kept if pair.partition("=")[0] not in (more or {})), *added])

    def store(self, url: URL, lines: Iterable[str]) -> None:
        """Store the cookies of a response's Set-Cookie lines, as far as it may set them."""
        message = Message()
        for line in lines:
            # The jar would turn such a line into a cookie without a value (RFC 6265, 5.2, step 2).
            if "=" in line.partition(";")[0]:
                message["Set-Cookie"] = line
        # The jar only calls `info()`.
        self.jar.extract_cookies(cast(HTTPResponse, _Answer(message)), Request(str(url)))

    def __getitem__(self, name: str) -> str:
        found = [cookie for cookie in self._current() if cookie.name == name]
        if not found:
            raise KeyError(name)
        values = {cookie.value or "" for cookie in found}
        if len(values) > 1:
            places = ", ".join(f"{cookie.domain}{cookie.path}" for cookie in found)
            raise UsageError(f"cookie {name!r} has different values for {places}: see client.cookies.jar")
        return _decoded(name, values.pop())

    def __setitem__(self, name: str, value: str) -> None:
        coded = _encoded(name, value)
        self.pop(name, None)
        self.store(self._url, [f"{name}={coded}; Path=/"])

    def __delitem__(self, name: str) -> None:
        found = [cookie for cookie in self._current() if cookie.name == name]
        if not found:
            raise KeyError(name)
        for cookie in found:
            self.jar.clear(cookie.domain, cookie.path, cookie.name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(cookie.name for cookie in self._current()))

    def __len__(self) -> int:
        return len({cookie.name for cookie in self._current()})

    def __repr__(self) -> str:
        return f"<ClientCookies {', '.join(f'{cookie.name}={cookie.value}' for cookie in self._current())}>"

    def _current(self) -> list[Cookie]:
        self.jar.clear_expired_cookies()
        return list(self.jar)


class _Answer:
    def __init__(self, message: Message) -> None:
        self._message = message

    def info(self) -> Message:
        return self._message


def parse_set_cookies(lines: Iterable[str]) -> SimpleCookie:
    """Parse the Set-Cookie lines of a response (RFC 6265, 5.2); return cookies by name with their attributes.

    If a name occurs in several lines, the last one counts. A line that is not a cookie is left out.
    """
    cookies = SimpleCookie()
    for line in lines:
        pair, *attributes = line.split(";")
        for name, morsel in parse_cookies(pair).items():
            for attribute in attributes:
                key, equals, value = (part.strip() for part in attribute.partition("="))
                if morsel.isReservedKey(key):
                    # A flag has no value.
                    Morsel.__setitem__(morsel, key, value if equals else True)
            cookies[name] = morsel
    return cookies


def _encoded(name: str, value: str) -> str:
    cookies = ResponseCookies()
    cookies[name] = value
    return cookies[name].coded_value


def _decoded(name: str, coded: str) -> str:
    cookies = parse_cookies(f"{name}={coded}")
    return cookies[name].value if name in cookies else coded
