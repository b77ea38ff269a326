"""What every request of HTTP/1 must look like: its target and the length of its body (RFC 9112, 3.2 and 6)."""

from __future__ import annotations

import re

from ..errors import RequestError
from .authority import parse_authority
from .fields import WHITESPACE, RawHeaders, check_fields
from .handshake import check_host

# Visible ASCII but `#`: a target has no fragment.
_ORIGIN_FORM = re.compile(rb'/[!-"$-~]*')
_ABSOLUTE_FORM = re.compile(rb'(?:https?|wss?)://([^/?#]*)((?:[/?][!-"$-~]*)?)', re.IGNORECASE)


def check_request(method: bytes, http_version: str, target: bytes, headers: RawHeaders) -> bytes:
    """Check the head of a request that asks for no upgrade; see `check_upgrade` for one that does.

    Arguments:
        method: the request method.
        http_version: such as `"1.1"`.
        target: the request target.
        headers: pairs of lower-case name and value.

    Returns:
        The target as `check_target` gives it.

    Raises:
        RequestError: 505 for a version of HTTP that is none of 1.0 and 1.1; 501 for a transfer coding other than
            chunked; 400 for the rest.
    """
    if http_version not in ("1.0", "1.1"):
        raise RequestError(505, f"HTTP/{http_version} is not spoken here; HTTP/1.1 is")
    check_fields(headers)
    host = find_host(headers)
    if host is not None or http_version == "1.1":
        check_host(headers)
    _check_framing(http_version, headers)
    return check_target(method, target, host)


def find_host(headers: RawHeaders) -> str | None:
    """Return the value of the Host field, the first one when there are several; `None` when there is none."""
    for name, value in headers:
        if name == b"host":
            return value.strip(WHITESPACE).decode("latin-1")
    return None


def check_target(method: bytes, target: bytes, host: str | None) -> bytes:
    """Check a request target (RFC 9112, 3.2).

    Arguments:
        method: the request method.
        target: the target: `/path?query`; `http://host/path?query`, as proxies get it; `*` with the method OPTIONS.
        host: the value of Host, `None` when there is none. The target must name the same host when it names one:
            whatever decides by the host, here or in a proxy, must not be told two of them.

    Returns:
        The target as `/path?query`, or `*`.

    Raises:
        RequestError: with 400, when it is none of these.
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
        raise RequestError(400, "the request target names another host than the Host field, or none that is valid")
    rest = absolute[2]
    return rest if rest[:1] == b"/" else b"/" + rest


def _check_framing(http_version: str, headers: RawHeaders) -> None:
    """Refuse the lengths of a body that the parser lets pass and a proxy may read otherwise (RFC 9112, 6.1 and 6.3)."""
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if not codings:
        return
    if http_version == "1.0":
        raise RequestError(400, "HTTP/1.0 knows no Transfer-Encoding")
    coding = b",".join(codings).strip(WHITESPACE).lower()
    if coding == b"chunked":
        return
    if coding.rpartition(b",")[2].strip(WHITESPACE) == b"chunked":
        raise RequestError(501, "no transfer coding is understood here but chunked")
    raise RequestError(400, "the last transfer coding must be chunked: the length of the body cannot be told")
