"""`TestResponse`: the response to a request of a test client."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from http.cookies import SimpleCookie
from typing import Any

import msgspec

from ..datastructures import Headers
from .context import RequestContext
from .cookies import parse_set_cookies
from .urls import URL

_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)


class ResponseHead:
    """A response before its body.

    Arguments:
        method: the method of the request.
        url: the URL of the request.
        status: the HTTP status.
        raw_headers: pairs of lower-case name and value.
        context: the application's view of the request; None if it did not reach the application.
        history: the redirects before it.

    Attributes:
        method: the method of the request.
        url: the URL of the request, a `str`.
        status: the HTTP status.
        headers: the header fields, case-insensitive; `headers.get_all(name)` for one that occurs several times.
        history: the responses that redirected here, first one first.
        context: `request`, `response` and `session` of the application (see `RequestContext`); None if the server
            answered without it.
    """

    def __init__(
        self,
        method: str,
        url: URL,
        status: int,
        raw_headers: Iterable[tuple[bytes, bytes]],
        context: RequestContext | None,
        history: Iterable[TestResponse] = (),
    ) -> None:
        self.method = method
        self.url = str(url)
        self.status = status
        self.headers = Headers(raw_headers)
        self.context = context
        self.history = list(history)

    @property
    def content_type(self) -> str:
        """The media type, in lower case and without parameters; empty if there is none."""
        value: str = self.headers.get("content-type", "")
        return value.partition(";")[0].strip().lower()

    @property
    def cookies(self) -> SimpleCookie:
        """The cookies that it sets, with their attributes: `response.cookies["name"].value`, `["name"]["path"]`."""
        return parse_set_cookies(self.headers.get_all("set-cookie"))

    @property
    def charset(self) -> str:
        """The charset of the text: that of Content-Type if Python knows it, else UTF-8."""
        found = _CHARSET.search(self.headers.get("content-type", ""))
        try:
            return codecs.lookup(found[1]).name if found else "utf-8"
        except LookupError:
            return "utf-8"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status} of {self.method} {self.url}>"


class TestResponse(ResponseHead):
    """A whole response.

    Arguments:
        content: the body.
        head: as for `ResponseHead`.

    Attributes:
        content: the body, in bytes; empty for HEAD.
    """

    # pytest collects any class with such a name.
    __test__ = False

    def __init__(self, *head: Any, content: bytes = b"", **more: Any) -> None:
        super().__init__(*head, **more)
        self.content = content

    @property
    def text(self) -> str:
        """The body as text; bytes that cannot be decoded become U+FFFD."""
        return self.content.decode(self.charset, "replace")

    def json(self) -> Any:
        """Return the body decoded from JSON.

        Raises:
            ValueError: the body is not JSON.
        """
        try:
            return msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            start = self.text[:80]
            raise ValueError(
                f"{self!r} is not JSON but {self.content_type or 'no type'}: {start!r} ({error})"
            ) from None
