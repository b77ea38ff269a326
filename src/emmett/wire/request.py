"""Checks of every HTTP/1 request: its target and the length of its body (RFC 9112, 3.2 and 6)."""

from __future__ import annotations

import re

from ..errors import RequestError
from .authority import parse_authority
from .fields import WHITESPACE, RawHeaders, check_fields
from .handshake import check_host

# Visible ASCII except `#`, because a target has no fragment.
_ORIGIN_FORM = re.compile(rb'/[!-"$-~]*')
_ABSOLUTE_FORM = re.compile(rb'(?:https?|wss?)://([^/?#]*)((?:[/?][!-"$-~]*)?)', re.IGNORECASE)


def check_request(method: bytes, http_version: str, target: bytes, headers: RawHeaders) -> bytes:
    """Check the head of a request without an upgrade; see `check_upgrade` for one with an upgrade.

    Arguments:
        method: the request method.
        http_version: such as `"1.1"`.
        target: the request target.
        headers: pairs of lower-case name and value.

    Returns:
        The target as `check_target` returns it.

    Raises:
        RequestError: 505 for an HTTP version other than 1.0 and 1.1; 501 for a transfer coding other than chunked; 400
            for any other error.
    """
    if http_version not in ("1.0", "1.1"):
        raise RequestError(505, f"HTTP/{http_version} is not supported; use HTTP/1.1")
    check_fields(headers)
    host = find_host(headers)
    if host is not None or http_version == "1.1":
        check_host(headers)
    _check_framing(http_version, headers)
    return check_target(method, target, host)


def find_host(headers: RawHeaders) -> str | None:
    """Return the value of the first Host field; `None` if there is none."""
    for name, value in headers:
        if name == b"host":
            return value.strip(WHITESPACE).decode("latin-1")
    return None


def is_origin_form(target: bytes) -> bool:
    """Return whether a target is a path, perhaps with a query."""
    return _ORIGIN_FORM.fullmatch(target) is not None


def check_target(method: bytes, target: bytes, host: str | None) -> bytes:
    """Check a request target (RFC 9112, 3.2).

    Arguments:
        method: the request method.
        target: the target: `/path?query`; `http://host/path?query`, as proxies receive it; `*` with the method OPTIONS.
        host: the value of Host; `None` if there is none. A host in the target must be the same: code that decides by
            the host, here or in a proxy, must not see two different ones.

    Returns:
        The target as `/path?query`, or `*`.

    Raises:
        RequestError: with 400, for any other target.
    """
    if _ORIGIN_FORM.fullmatch(target):
        return target
    if target == b"*" and method == b"OPTIONS":
        return target
    absolute = _ABSOLUTE_FORM.fullmatch(target)
    if absolute is None:
        raise RequestError(400, "the request target must be a path, such as `/` or `/path?query`")
    named = parse_authority(absolute[1].decode("latin-1"))
    if named is None or (host is not None and named != parse_authority(host)):
        raise RequestError(400, "the host in the request target is invalid or differs from the Host field")
    rest = absolute[2]
    return rest if rest[:1] == b"/" else b"/" + rest


def _check_framing(http_version: str, headers: RawHeaders) -> None:
    """Refuse body lengths that the parser accepts but a proxy may read differently (RFC 9112, 6.1 and 6.3)."""
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if not codings:
        return
    if http_version == "1.0":
        raise RequestError(400, "HTTP/1.0 does not support Transfer-Encoding")
    coding = b",".join(codings).strip(WHITESPACE).lower()
    if coding == b"chunked":
        return
    if coding.rpartition(b",")[2].strip(WHITESPACE) == b"chunked":
        raise RequestError(501, "the only supported transfer coding is chunked")
    raise RequestError(400, "the last transfer coding must be chunked: otherwise the length of the body is unknown")
