"""Which request follows a redirect (RFC 9110, 15.4)."""

from __future__ import annotations

from collections.abc import AsyncIterable
from urllib.parse import urljoin

from ..errors import EmmettError, UsageError
from .requests import ClientRequest
from .response import ResponseHead

MAX_REDIRECTS = 20

_WITH_GET = (301, 302, 303)
_AS_IT_WAS = (307, 308)
# What describes a body that is not sent again.
_OF_BODY = frozenset((b"content-encoding", b"content-length", b"content-type", b"expect", b"transfer-encoding"))
# What another host must not be told, and what would be wrong there.
_OF_HOST = frozenset((b"authorization", b"cookie", b"host"))


class RedirectError(EmmettError):
    """A redirect that cannot be followed: one too many, one to no page, one whose body is gone."""


def next_request(request: ClientRequest, response: ResponseHead) -> ClientRequest | None:
    """Return the request that a response asks for; None when it is no redirect.

    301, 302 and 303 are followed with GET, or HEAD if that was the method; 307 and 308 with the same method and body.
    Another host is not told Authorization nor the cookies of this one request.

    Arguments:
        request: the request that was answered.
        response: the answer.

    Raises:
        RedirectError: the location is no URL of HTTP, or the body was an async iterable, which is used up.
    """
    location = response.headers.get("location")
    if location is None or response.status not in _WITH_GET + _AS_IT_WAS:
        return None
    try:
        url = request.url.join(urljoin(str(request.url), location))
    except (UsageError, ValueError):
        raise RedirectError(f"{response!r} redirects to {location!r}, which is no URL of HTTP") from None
    method, fields, content = request.method, request.fields, request.content
    if response.status in _WITH_GET:
        method, content = "HEAD" if method == "HEAD" else "GET", None
        fields = [field for field in fields if field[0] not in _OF_BODY]
    elif isinstance(content, AsyncIterable):
        raise RedirectError(f"{response!r} wants the body a second time, but an async iterable gives it only once")
    if not request.url.is_same_origin(url):
        fields = [field for field in fields if field[0] not in _OF_HOST]
    return ClientRequest(method, url, fields, content)
