"""Cache-Control of responses that set or delete a session's cookie, which caches would store, too (RFC 9111, 7.3)."""

from __future__ import annotations

import copy

from ..errors import HTTPException
from ..http.headers import MutableHeaders
from ..http.response import Response

CACHE_CONTROL = "cache-control"


def forbid_storing(headers: MutableHeaders) -> None:
    """Keep caches from giving a response to other visitors: add `no-store`, unless it or `private` is present."""
    said = {part.partition("=")[0].strip().lower() for part in headers.get(CACHE_CONTROL, "").split(",")}
    if not said & {"private", "no-store"}:
        headers[CACHE_CONTROL] = "no-store"


def forbid_storing_result(result: object) -> object:
    """Return a handler's result, with `no-store` if its own Cache-Control would override that of `emmett.response`.

    A `Response` may be shared by many requests, so a copy of it is changed.
    """
    if isinstance(result, Response) and CACHE_CONTROL in result.headers:
        result = copy.copy(result)
        result.headers = result.headers.copy()
        forbid_storing(result.headers)
    return result


def forbid_storing_error(error: HTTPException) -> None:
    """Do the same as `forbid_storing_result` for an error with its own headers."""
    headers = MutableHeaders(error.headers)
    if CACHE_CONTROL in headers:
        forbid_storing(headers)
        error.headers = dict(headers)
