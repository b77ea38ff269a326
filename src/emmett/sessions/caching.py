"""Cache-Control of responses that set or delete a session's cookie, which caches would keep too (RFC 9111, 7.3)."""

from __future__ import annotations

import copy

from ..errors import HTTPException
from ..http.headers import MutableHeaders
from ..http.response import Response

CACHE_CONTROL = "cache-control"


def forbid_storing(headers: MutableHeaders) -> None:
    """Keep a response from being given to another visitor: `no-store`, unless it or `private` is there already."""
    said = {part.partition("=")[0].strip().lower() for part in headers.get(CACHE_CONTROL, "").split(",")}
    if not said & {"private", "no-store"}:
        headers[CACHE_CONTROL] = "no-store"


def forbid_storing_result(result: object) -> object:
    """Return what a handler returned, where its own Cache-Control would go before that of `emmett.response`.

    A `Response` may be shared by many requests, so it is a copy that is changed.
    """
    if isinstance(result, Response) and CACHE_CONTROL in result.headers:
        result = copy.copy(result)
        result.headers = result.headers.copy()
        forbid_storing(result.headers)
    return result


def forbid_storing_error(error: HTTPException) -> None:
    """Do as `forbid_storing_result` for an error that answers."""
    headers = MutableHeaders(error.headers)
    if CACHE_CONTROL in headers:
        forbid_storing(headers)
        error.headers = dict(headers)
