"""What a response behind a session tells caches (RFC 9111)."""

from __future__ import annotations

import copy

from ..errors import HTTPException
from ..http.headers import MutableHeaders
from ..http.response import Response


def protect(headers: MutableHeaders, *, sets_cookie: bool) -> None:
    """Keep a response from being given to another visitor.

    It gets `Vary: Cookie`, since any answer behind a session may depend on it (RFC 9110, 12.5.5). One that sets or
    deletes the cookie also gets `Cache-Control: no-store`, since caches keep Set-Cookie too (RFC 9111, 7.3), unless
    `private` or `no-store` says as much already.
    """
    varying = {name.strip().lower() for name in headers.get("vary", "").split(",")}
    if not varying & {"cookie", "*"}:
        headers.append("vary", "Cookie")
    if sets_cookie:
        said = {part.partition("=")[0].strip().lower() for part in headers.get("cache-control", "").split(",")}
        if not said & {"private", "no-store"}:
            headers["cache-control"] = "no-store"


def protect_result(result: object, *, sets_cookie: bool) -> object:
    """Return what a handler returned, where its own headers would go before the protection of `emmett.response`.

    A `Response` may be shared by many requests, so it is a copy that is changed.
    """
    if isinstance(result, Response) and _speaks_of_caches(result.headers):
        result = copy.copy(result)
        result.headers = _protected(result.headers, sets_cookie=sets_cookie)
    return result


def protect_error(error: HTTPException, *, sets_cookie: bool) -> None:
    """Do as `protect_result` for an error that answers."""
    headers = MutableHeaders(error.headers)
    if _speaks_of_caches(headers):
        error.headers = dict(_protected(headers, sets_cookie=sets_cookie))


def _speaks_of_caches(headers: MutableHeaders) -> bool:
    return "vary" in headers or "cache-control" in headers


def _protected(headers: MutableHeaders, *, sets_cookie: bool) -> MutableHeaders:
    """Return a copy with the fields protected that it has; those that it lacks come from `emmett.response`."""
    protected = headers.copy()
    protect(protected, sets_cookie=sets_cookie)
    for name in ("vary", "cache-control"):
        if name not in headers:
            protected.pop(name, None)
    return protected
