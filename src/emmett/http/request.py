"""`Request`: one HTTP request as an application sees it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..config import HTTPSettings
from ..datastructures import Headers, sdict
from ..errors import UsageError
from .body import Body
from .forms import read_body_params
from .head import HEAD_SLOTS, RequestHead
from .negotiation import best_media_type

if TYPE_CHECKING:
    from .multipart import MultipartForm
    from .uploads import UploadedFile

_DEFAULTS = HTTPSettings()


class Request(RequestHead):
    """One HTTP request. An adapter creates it. Parsed values are computed on first access and kept.

    Arguments:
        method: the method, in upper case.
        scheme: `http` or `https`.
        path: the path, percent-decoded.
        raw_path: the path as it was sent, without the query string.
        query_string: the part after the `?`, as it was sent.
        headers: the header fields.
        client: address and port of the peer; `None` if there is none, as on a unix socket.
        read: returns the next chunk of the body, and `b""` at its end: see `Body`.
        http_version: `1.0`, `1.1` or `2`.
        settings: the limits of the body; the defaults if there are none.
        wait_gone: waits until the client has left; `None` if the server cannot detect that.
    """

    __slots__ = (
        *HEAD_SLOTS,
        "_arrived",
        "_body",
        "_body_params",
        "_closed",
        "_form",
        "_read",
        "_settings",
        "_wait_gone",
        "client",
        "failure",
        "http_version",
        "method",
        "path",
        "raw_path",
        "route",
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
        read: Callable[[], Awaitable[bytes]],
        http_version: str = "1.1",
        settings: HTTPSettings | None = None,
        wait_gone: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        # Costs less than `super()`, for each request.
        RequestHead.__init__(self, query_string, headers)
        self.method = method
        self.scheme = scheme
        self.path = path
        self.raw_path = raw_path
        self.client = client
        self.http_version = http_version
        # The full name of the matching route, once it is known.
        self.route: str | None = None
        # The exception that a handler failed with, for observers.
        self.failure: BaseException | None = None
        self._read = read
        self._wait_gone = wait_gone
        # Created on first access: few requests have a body.
        self._body: Body | None = None
        self._settings = _DEFAULTS if settings is None else settings
        # Seconds since the epoch: a float costs less than a datetime, which few requests need.
        self._arrived = time.time()
        self._body_params: sdict[Any] | None = None
        self._form: MultipartForm | None = None
        self._closed = False

    def configure(self, settings: HTTPSettings) -> None:
        """Use the settings of the matching route, for everything that has not been read yet."""
        self._settings = settings
        if self._body is not None:
            self._body.max_size = settings.max_body_size
            self._body.timeout = settings.body_timeout

    @property
    def settings(self) -> HTTPSettings:
        """The settings of this request: those of its route, or of the application."""
        return self._settings

    @property
    def held(self) -> int:
        """Bytes of the body that are kept in memory, except for those of a form."""
        return 0 if self._body is None else self._body.held

    def forget_body(self) -> None:
        """Let go of what came of a body that is not whole."""
        if self._body is not None:
            self._body.forget()

    async def wait_disconnected(self) -> None:
        """Wait until the client has left, so that a handler can stop its work.

        Returns at once if the client has already left or the request has been answered. Without this method, a handler
        notices when it reads the body or sends its response, or is cancelled after the setting `http.disconnect_grace`.

        If the server does not report that clients leave, this waits until it is cancelled.
        """
        if self._closed:
            return
        if self._wait_gone is None:
            await asyncio.get_running_loop().create_future()
        else:
            await self._wait_gone()

    @property
    def body(self) -> Body:
        """The body, not yet read."""
        if self._body is None:
            settings = self._settings
            self._body = Body(
                self._read,
                max_size=settings.max_body_size,
                content_length=self.content_length,
                timeout=settings.body_timeout,
            )
        return self._body

    @body.setter
    def body(self, body: Body) -> None:
        self._body = body

    @property
    def now(self) -> datetime:
        """The time when the request arrived, in UTC; every access returns the same value."""
        return datetime.fromtimestamp(self._arrived, UTC)

    @property
    def content_type(self) -> str:
        """The media type of the body, in lower case and without parameters; empty if the request specifies none."""
        value: str = self.headers.get("content-type", "")
        return value.partition(";")[0].strip(" \t").lower()

    @property
    def content_length(self) -> int | None:
        """The size of the body in bytes that the request announced; `None` if it is missing or not a number."""
        value: str = self.headers.get("content-length", "")
        # No body size has twenty digits. A longer value is not trustworthy, and costly to convert.
        return int(value) if len(value) < 20 and value.isascii() and value.isdigit() else None

    @property
    def body_params(self) -> Coroutine[Any, Any, sdict[Any]]:
        """Awaitable: the text fields of a URL-encoded or multipart form, or the members of a JSON object.

        Empty for a body of another type. It can be awaited any number of times, before and after `files`.

        Raises:
            RequestError: 400 for a malformed form, invalid JSON and JSON that is not an object, 413 for a body that is
                too large or has too many fields, 415 for multipart types other than multipart/form-data, 408 for a body
                that does not arrive in time.
            UsageError: the body was streamed before.
        """
        return self._read_body_params()

    @property
    def files(self) -> Coroutine[Any, Any, sdict[UploadedFile | list[UploadedFile]]]:
        """Awaitable: the files of a multipart form by their field names, a list if a name is repeated.

        Empty for a body of another type. A file input without a selection is missing. The files are available until
        the request has been answered. It can be awaited any number of times, before and after `body_params`.

        Raises:
            RequestError: as for `body_params`.
            OSError: a large file could not be written to disk.
            UsageError: the body was streamed before, or the request has been answered.
        """
        return self._read_files()

    def accepts(self, *media_types: str) -> str | None:
        """Return the media type that the client prefers, according to its Accept header (RFC 9110, 12.5.1).

        Arguments:
            media_types: the available types, such as `text/html`; among equally preferred ones, the first is chosen.

        Returns `None` if the client accepts none of them, for which the status is 406. Without an Accept header, the
        client accepts everything.

        Raises:
            UsageError: no type is given, or a name that is not a media type.
        """
        return best_media_type(self.headers.get("accept", ""), media_types)

    async def aclose(self) -> None:
        """Release uploaded files and delete temporary ones. It can be called several times."""
        self._closed = True
        if self._form is not None:
            await self._form.aclose()

    async def _read_body_params(self) -> sdict[Any]:
        if self._body_params is None:
            if self._is_multipart:
                params: sdict[Any] = (await self._read_form()).fields
            else:
                params = await read_body_params(self.body, self.content_type, max_fields=self._settings.max_body_fields)
            # Another task may have been faster: all tasks get the same object.
            if self._body_params is None:
                self._body_params = params
        return self._body_params

    async def _read_files(self) -> sdict[UploadedFile | list[UploadedFile]]:
        return (await self._read_form()).files if self._is_multipart else sdict()

    async def _read_form(self) -> MultipartForm:
        if self._form is None:
            if self._closed:
                raise UsageError("the form of a request cannot be read after the request has been answered")
            settings = self._settings
            from .multipart import MultipartForm

            self._form = MultipartForm(
                self.body,
                self.headers["content-type"],
                max_fields=settings.max_body_fields,
                max_memory=settings.max_form_memory,
            )
        await self._form.read()
        return self._form

    @property
    def _is_multipart(self) -> bool:
        return self.content_type.startswith("multipart/")

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path!r}>"
