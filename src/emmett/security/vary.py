"""The Vary field of an answer: which fields of the request it depends on (RFC 9110, 12.5.5)."""

from __future__ import annotations

import copy

from ..errors import HTTPException
from ..http.headers import MutableHeaders
from ..http.response import Response


def add_vary(headers: MutableHeaders, name: str) -> None:
    """Say that an answer depends on a request field, unless it says so already."""
    varying = {each.strip().lower() for each in headers.get("vary", "").split(",")}
    if not varying & {name.lower(), "*"}:
        headers.append("vary", name)


def vary_result(result: object, name: str) -> object:
    """Return what a handler returned, where its own Vary would take the place of that of `emmett.response`.

    A `Response` may be shared by many requests, so it is a copy that is changed.
    """
    if isinstance(result, Response) and "vary" in result.headers:
        result = copy.copy(result)
        result.headers = result.headers.copy()
        add_vary(result.headers, name)
    return result


def vary_error(error: HTTPException, name: str) -> None:
    """Do as `vary_result` for an error that answers."""
    headers = MutableHeaders(error.headers)
    if "vary" in headers:
        add_vary(headers, name)
        error.headers = dict(headers)
