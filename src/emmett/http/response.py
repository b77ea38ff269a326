"""`Response`: status, headers, cookies and body of an answer."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Self, TypeAlias

from ..errors import UsageError
from .headers import MutableHeaders
from .stream import BodyStream
from .vary import add_vary

if TYPE_CHECKING:
    from .cookies import ResponseCookies

# The values that a body can be made from.
Content: TypeAlias = str | bytes | bytearray | memoryview | AsyncIterable[bytes | str] | Iterable[bytes | str]

_HTML = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_BINARY = "application/octet-stream"
# These answers have no content, whatever the handler returns (RFC 9110, 15.3.5, 15.3.6 and 15.4.5).
_NO_CONTENT = frozenset((204, 205, 304))
# Fields that are left out: the server does the framing, the length is computed, and no content needs no description.
_FRAMING = frozenset(("transfer-encoding",))
_COUNTED = _FRAMING | {"content-length"}
_DESCRIBING = _COUNTED | {"content-type"}


class Response:
    """An answer to a request. A handler returns one, or changes `emmett.response`.

    An adapter sends `status`, `fields()` or `raw_headers()`, and, unless the method was HEAD, `body` (or `chunks()` if
    `is_stream`). It then always calls `aclose()`.

    Arguments:
        body: the content: text, bytes, or an iterable of chunks, plain or async, that is streamed (see `BodyStream`).
        status: the HTTP status, 200 to 599. The default is that of `emmett.response`, otherwise 200.
        headers: header fields: a mapping, or pairs of name and value.
        content_type: the media type. Without it, and without a `content-type` in `headers`, text is
            `text/plain; charset=utf-8`, a page from a template `text/html; charset=utf-8`, everything else
            `application/octet-stream`.

    Attributes:
        headers: the header fields, a `MutableHeaders`.
        cookies: the cookies to set: `response.cookies["name"] = "value"`, with `response.cookies["name"]["path"] = "/"`
            for the attributes.

    Raises:
        ValueError: the status or a header is invalid in an answer.
        UsageError: the body has another type.
    """

    __slots__ = ("_body", "_cookies", "_default_type", "_status", "_status_chosen", "headers")

    # Whether a stream ends only when its client leaves, so that a server that stops ends it; events always do.
    is_endless = False

    def __init__(
        self,
        body: Content = b"",
        status: int | None = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        content_type: str | None = None,
    ) -> None:
        # Whether the status was set explicitly; otherwise the response takes that of the current request's response.
        self._status_chosen = False
        self._status = 200
        if status is not None:
            self.status = status
        self.headers = MutableHeaders(headers)
        self._cookies: ResponseCookies | None = None
        self._body: bytes | BodyStream = b""
        self._default_type: str | None = None
        # `emmett.response` of each request begins empty.
        if type(body) is not bytes or body:
            self._body, self._default_type = _as_content(body)
        if content_type is not None:
            self.content_type = content_type

    def end_stream(self) -> bool:
        """Let a stream with `is_endless` end by itself, because the server stops; return whether it will.

        The server cuts off one that does not.
        """
        return False

    @property
    def status(self) -> int:
        """The HTTP status, 200 to 599; 1xx are not final answers (RFC 9110, 15.2)."""
        return self._status

    @status.setter
    def status(self, status: int) -> None:
        if not 200 <= status <= 599:
            raise ValueError(f"response status {status!r}: expected a whole number from 200 to 599")
        self._status = int(status)
        self._status_chosen = True

    @property
    def cookies(self) -> ResponseCookies:
        """The cookies to set."""
        if self._cookies is None:
            # Imported here: many applications set no cookie.
            from .cookies import ResponseCookies

            self._cookies = ResponseCookies()
        return self._cookies

    @property
    def content_type(self) -> str | None:
        """The Content-Type header: the value that was set, or the default for the body; `None` if there is neither."""
        return self.headers.get("content-type", self._default_type)

    @content_type.setter
    def content_type(self, content_type: str | None) -> None:
        if content_type is None:
            self.headers.pop("content-type", None)
        else:
            self.headers["content-type"] = content_type

    @property
    def body(self) -> bytes | BodyStream:
        """The content to send: bytes, or an async iterable of bytes. Empty for the statuses 204, 205 and 304.

        Accepts the same values as the constructor.
        """
        return b"" if self._status in _NO_CONTENT else self._body

    @body.setter
    def body(self, body: Content) -> None:
        self._body, self._default_type = _as_content(body)

    def fill(self, body: bytes, content_type: str) -> None:
        """Set a body, and the media type to use if none is set.

        Arguments:
            body: the content.
            content_type: a media type in ASCII; it is not checked.
        """
        self._body, self._default_type = body, content_type

    @property
    def is_stream(self) -> bool:
        """Whether `body` is sent in chunks."""
        return isinstance(self._body, BodyStream) and self._status not in _NO_CONTENT

    def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over `body`: the chunks of a stream, once, or the whole body as one chunk.

        Raises:
            UsageError: the stream was read before.
        """
        body = self.body
        return aiter(BodyStream([body]) if isinstance(body, bytes) else body)

    def fields(self) -> list[tuple[str, str]]:
        """Return the header fields in the form that an adapter sends: lower-case names, values in latin-1.

        With a body in bytes, `content-length` is its length, also for a HEAD request; a stream has the length that was
        set, if any. `transfer-encoding` is left to the server. There is one Set-Cookie line for each cookie.

        Raises:
            ValueError: a cookie bypassed the checks of assignment with an invalid value.
        """
        body, default_type = self._body, self._default_type
        length: str | None = None
        if self._status in _NO_CONTENT:
            omitted, default_type = _DESCRIBING, None
            # The other statuses have no length at all (RFC 9110, 8.6).
            length = "0" if self._status == 205 else None
        elif isinstance(body, bytes):
            omitted, length = _COUNTED, str(len(body))
        else:
            omitted = _FRAMING
        fields = [field for field in self.headers.lines() if field[0] not in omitted] if self.headers else []
        if default_type is not None and "content-type" not in self.headers:
            fields.append(("content-type", default_type))
        if length is not None:
            fields.append(("content-length", length))
        if self._cookies:
            fields += [("set-cookie", line) for line in self._cookies.header_values()]
        return fields

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Return `fields()` as bytes, as ASGI requires.

        Raises:
            ValueError: as `fields` does.
        """
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in self.fields()]

    def with_defaults(self, defaults: Response) -> Self:
        """Return this response with the status, headers and cookies of another one that it does not set itself.

        Vary contains the names of both: a response depends on everything that it was made from (RFC 9110, 12.5.5).
        Neither response is changed: many requests may share a response, but must not share the cookies of one request.
        """
        takes_status = defaults._status_chosen and not self._status_chosen
        if defaults is self or not (defaults.headers or defaults._cookies or takes_status):
            return self
        response = copy.copy(self)
        if takes_status:
            response.status = defaults.status
        response.headers = defaults.headers.copy()
        # A length belongs to its body.
        response.headers.pop("content-length", None)
        response.headers.extend(self.headers.lines())
        add_vary(response.headers, defaults.headers.get("vary", ""))
        response._cookies = None
        for cookies in (defaults._cookies, self._cookies):
            for name, morsel in (cookies or {}).items():
                response.cookies[name] = morsel
        return response

    def check_cookies(self) -> None:
        """Check that `fields()` can send all cookies.

        Raises:
            ValueError: the attributes of a cookie are inconsistent; see `ResponseCookies`.
        """
        if self._cookies:
            self._cookies.header_values()

    async def aclose(self) -> None:
        """Release the resources of a streamed body, whether or not it was sent. Later calls do nothing."""
        if isinstance(self._body, BodyStream):
            await self._body.aclose()

    def __repr__(self) -> str:
        return f"<Response {self._status} {self.content_type}>"


def _as_content(body: object) -> tuple[bytes | BodyStream, str | None]:
    """Return the body in the form that is sent, and its default media type; `None` for an empty one."""
    if isinstance(body, str):
        # Text from a client must not become markup: only text that is marked as HTML is sent as HTML.
        return body.encode("utf-8"), _HTML if hasattr(body, "__html__") else _TEXT
    if type(body) is bytes:
        return body, _BINARY if body else None
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), _BINARY if body else None
    if isinstance(body, BodyStream):
        return body, _BINARY
    # A mapping is refused, since sending its keys is hardly intended.
    if isinstance(body, (AsyncIterable, Iterable)) and not isinstance(body, Mapping):
        return BodyStream(body), _BINARY
    raise UsageError(
        f"a response body of type {type(body).__name__}: allowed are str, bytes, bytearray, memoryview and iterables "
        "of bytes, plain or async"
    )
