"""`Request`: one HTTP request as an application sees it."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from typing import Any

from ..datastructures import Headers, sdict
from .body import Body
from .cookies import parse_cookies
from .forms import read_body_params
from .query import parse_query


class Request:
    """One HTTP request. An adapter makes it; whatever needs parsing is parsed when it is first read, and kept.

    Arguments:
        method: the method, in upper case.
        scheme: `http` or `https`.
        path: the path, percent-decoded.
        raw_path: the path as it was sent, without the query string.
        query_string: what follows the `?`, as it was sent.
        headers: the header fields.
        client: address and port of the peer; `None` where there is none, as on a unix socket.
        body: the body, not yet read.
        http_version: `1.0`, `1.1` or `2`.
        max_fields: the most fields that `body_params` accepts.
    """

    __slots__ = (
        "_arrived",
        "_body_params",
        "_cookies",
        "_max_fields",
        "_query_params",
        "body",
        "client",
        "headers",
        "http_version",
        "method",
        "path",
        "query_string",
        "raw_path",
        "scheme",
    )

    def __init__(
        self,
        *,
        method: str,
        scheme: str,
        path: str,
        raw_path: bytes,
        query_string: bytes,
        headers: Headers,
        client: tuple[str, int] | None,
        body: Body,
        http_version: str = "1.1",
        max_fields: int = 1000,
    ) -> None:
        self.method = method
        self.scheme = scheme
        self.path = path
        self.raw_path = raw_path
        self.query_string = query_string
        self.headers = headers
        self.client = client
        self.body = body
        self.http_version = http_version
        self._max_fields = max_fields
        # Seconds since the epoch: a float costs less than the datetime that few requests ask for.
        self._arrived = time.time()
        self._cookies: SimpleCookie | None = None
        self._query_params: sdict[str | list[str]] | None = None
        self._body_params: sdict[Any] | None = None

    @property
    def host(self) -> str:
        """The Host header, with the port when it names one; empty when there is none."""
        host: str = self.headers.get("host", "")
        return host

    @property
    def now(self) -> datetime:
        """When the request arrived, in UTC: the same moment however often it is read."""
        return datetime.fromtimestamp(self._arrived, UTC)

    @property
    def cookies(self) -> SimpleCookie:
        """The cookies that were sent: `request.cookies["name"].value`."""
        if self._cookies is None:
            self._cookies = parse_cookies(self.headers.get("cookie", ""))
        return self._cookies

    @property
    def query_params(self) -> sdict[str | list[str]]:
        """The query parameters: `str`, `list[str]` when repeated, `""` when blank, `None` when missing."""
        if self._query_params is None:
            self._query_params = parse_query(self.query_string)
        return self._query_params

    @property
    def content_type(self) -> str:
        """The media type of the body, in lower case and without parameters; empty when the request names none."""
        value: str = self.headers.get("content-type", "")
        return value.partition(";")[0].strip(" \t").lower()

    @property
    def content_length(self) -> int | None:
        """How many bytes the body has, as the request announced it; `None` when it did not, or not as a number."""
        value: str = self.headers.get("content-length", "")
        # More digits than any length has would only cost time.
        return int(value) if len(value) <= 20 and value.isascii() and value.isdigit() else None

    @property
    def body_params(self) -> Coroutine[Any, Any, sdict[Any]]:
        """Awaitable: the fields of a URL-encoded form, or the members of a JSON object, in the body.

        Empty for a body of another type. May be awaited any number of times.

        Raises:
            RequestError: 400 for invalid JSON and JSON that is not an object, 413 for a body that is too large or has
                too many fields, 415 for multipart forms, which are not read yet.
            UsageError: when the body was streamed before.
        """
        return self._read_body_params()

    async def _read_body_params(self) -> sdict[Any]:
        if self._body_params is None:
            params = await read_body_params(self.body, self.content_type, max_fields=self._max_fields)
            # Another task may have been faster: all see the same object.
            if self._body_params is None:
                self._body_params = params
        return self._body_params

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path!r}>"
