"""Compute the request that follows a redirect (RFC 9110, 15.4)."""

from __future__ import annotations

from collections.abc import AsyncIterable
from urllib.parse import urljoin

from ..errors import EmmettError, UsageError
from .requests import ClientRequest
from .response import ResponseHead

MAX_REDIRECTS = 20

_WITH_GET = (301, 302, 303)
_AS_IT_WAS = (307, 308)
# Fields that describe a body, dropped with it.
_OF_BODY = frozenset((b"content-encoding", b"content-length", b"content-type", b"expect", b"transfer-encoding"))
# Fields that another host must not see, or that would be wrong there.
_OF_HOST = frozenset((b"authorization", b"cookie", b"host"))


class RedirectError(EmmettError):
    """A redirect that cannot be followed: one too many, one without a valid location, or one whose body is used up."""


def next_request(request: ClientRequest, response: ResponseHead) -> ClientRequest | None:
    """Return the request that a response redirects to; None if it is not a redirect.

    301, 302 and 303 are followed with GET, or HEAD if that was the method; 307 and 308 with the same method and body.
    Authorization and the cookies of this one request are not sent to another host.

    Arguments:
        request: the request that was answered.
        response: the answer.

    Raises:
        RedirectError: the location is not an HTTP URL, or the body was an async iterable, which is used up.
    """
    location = response.headers.get("location")
    if location is None or response.status not in _WITH_GET + _AS_IT_WAS:
        return None
    try:
        url = request.url.join(urljoin(str(request.url), location))
    except (UsageError, ValueError):
        raise RedirectError(f"{response!r} redirects to {location!r}, which is not an HTTP URL") from None
    method, fields, content = request.method, request.fields, request.content
    if response.status in _WITH_GET:
        method, content = "HEAD" if method == "HEAD" else "GET", None
        fields = [field for field in fields if field[0] not in _OF_BODY]
    elif isinstance(content, AsyncIterable):
        raise RedirectError(f"{response!r} requires the body again, but an async iterable yields it only once")
    if not request.url.is_same_origin(url):
        fields = [field for field in fields if field[0] not in _OF_HOST]
    return ClientRequest(method, url, fields, content)
