from __future__ import annotations

from typing import Any

import pytest

from emmett import Response
from emmett.errors import ConfigurationError, UsageError
from emmett.http.cookies import parse_cookies
from emmett.sessions.cookie import MAX_SIZE, SessionCookie, default_name


def make(
    name: Any = "s", expire: Any = 60, secure: Any = False, samesite: Any = "Lax", domain: Any = None
) -> SessionCookie:
    return SessionCookie(name, expire, secure, samesite, domain)


def attributes(response: Response) -> tuple[str, set[str]]:
    (line,) = response.cookies.header_values()
    first, *rest = line.split("; ")
    return first, set(rest)


def test_the_cookie_is_sent_with_its_attributes() -> None:
    response = Response()
    make().set(response, "token")
    assert attributes(response) == ("s=token", {"HttpOnly", "Max-Age=60", "Path=/", "SameSite=Lax"})


def test_a_cookie_is_deleted_with_the_attributes_that_it_was_set_with() -> None:
    cookie = make(secure=True, samesite="None", domain="example.org")
    common = {"Domain=example.org", "HttpOnly", "Path=/", "SameSite=None", "Secure"}
    response = Response()
    cookie.set(response, "token")
    assert attributes(response) == ("s=token", common | {"Max-Age=60"})
    cookie.delete(response)
    assert attributes(response) == ("s=", common | {"Max-Age=0"})


def test_the_cookie_is_read() -> None:
    assert make().read(parse_cookies("a=b; s=token")) == "token"
    assert make().read(parse_cookies("a=b")) is None


def test_a_cookie_that_is_too_large_is_an_error() -> None:
    response = Response()
    spare = MAX_SIZE - len("s=; HttpOnly; Max-Age=60; Path=/; SameSite=Lax")
    make().set(response, "x" * spare)
    assert len(response.cookies.header_values()[0]) == 4093
    with pytest.raises(UsageError, match=r"4094 bytes, but browsers keep at most 4093.*SessionManager\.redis"):
        make().set(response, "y" * (spare + 1))
    assert response.cookies["s"].value == "x" * spare


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"expire": 0}, "from 1"),
        ({"expire": -1}, "from 1"),
        ({"expire": float("nan")}, "from 1"),
        ({"expire": float("inf")}, "from 1"),
        ({"expire": True}, "from 1"),
        ({"expire": "3600"}, "from 1"),
        ({"secure": "auto"}, "True or False"),
        ({"samesite": "lax"}, "Strict, Lax, None"),
        ({"samesite": None}, "Strict, Lax, None"),
        ({"samesite": "None"}, "secure=True"),
        ({"name": "a b"}, "cookie name"),
        ({"name": ""}, "cookie name"),
        ({"name": "__Secure-s"}, "secure=True"),
        ({"name": "__Host-s"}, "secure=True"),
        ({"name": "__Host-s", "secure": True, "domain": "example.org"}, "no domain"),
        ({"domain": "example.org; secure"}, "domain"),
        ({"domain": "é"}, "domain"),
    ],
)
def test_invalid_arguments_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"session.*{said}"):
        make(**options)


def test_the_default_name_depends_on_the_attributes() -> None:
    assert default_name(secure=False, domain=None) == "emmett_session"
    assert default_name(secure=True, domain="example.org") == "emmett_session"
    assert default_name(secure=True, domain=None) == "__Host-emmett_session"
    make(default_name(secure=True, domain=None), secure=True)
