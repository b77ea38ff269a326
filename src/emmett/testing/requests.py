"""The requests of a test client: from the arguments of `client.post(...)` to the bytes that are sent."""

from __future__ import annotations

import mimetypes
import secrets
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias, TypedDict
from urllib.parse import urlencode

import msgspec

from ..errors import UsageError
from ..wire.fields import encode_fields, is_token
from .urls import URL, Params

Content: TypeAlias = str | bytes | AsyncIterable[bytes | str]
HeaderFields: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
# Content; or file name and content, with an optional type. A list holds several of these for one field.
File: TypeAlias = bytes | tuple[str, bytes] | tuple[str, bytes, str]
Files: TypeAlias = Mapping[str, File | list[File]]
Fields: TypeAlias = list[tuple[bytes, bytes]]

# Characters to escape in the file names of a form (HTML standard, 4.10.21.8, multipart/form-data).
_ESCAPED = {'"': "%22", "\r": "%0D", "\n": "%0A"}
# Requests with these methods have a Content-Length even without a body (RFC 9110, 8.6).
_EXPECTING_CONTENT = ("POST", "PUT", "PATCH")


class RequestOptions(TypedDict, total=False):
    """The options of every client method that sends a request.

    Fields:
        params: the query string of the path: a mapping, or pairs; a list gives several values.
        headers: header fields; they replace those of the client. With a `Cookie`, no other cookies are sent.
        cookies: cookies for this request only, in addition to those of the client.
        content: the body: text, bytes, or an async iterable of these, which is sent in chunks as it yields.
        data: the fields of a form; URL-encoded, or multipart together with `files`.
        json: a value to send as JSON.
        files: files of a multipart form by their field: `(filename, content)`, `(filename, content, content type)`, a
            list of these, or just the content.
        follow_redirects: whether to follow redirects; by default as the client does.
        timeout: seconds until the whole response must have arrived; by default those of the client.
    """

    params: Params
    headers: HeaderFields
    cookies: Mapping[str, str]
    content: Content
    data: Mapping[str, object]
    json: Any
    files: Files
    follow_redirects: bool
    timeout: float


class ClientRequest(NamedTuple):
    """A request to send.

    Fields:
        method: the method, in upper case.
        url: the URL.
        fields: the header fields except Host and the cookies: pairs of lower-case name and value.
        content: the body; None for no body.
    """

    method: str
    url: URL
    fields: Fields
    content: bytes | AsyncIterable[bytes | str] | None

    def __str__(self) -> str:
        return f"{self.method} {self.url.target}"

    def has(self, name: bytes) -> bool:
        """Return whether it has a header field of this name, in lower case."""
        return any(field == name for field, _ in self.fields)

    @property
    def is_chunked(self) -> bool:
        """Whether the body is sent in chunks."""
        return self.has(b"transfer-encoding")

    @property
    def expects_continue(self) -> bool:
        """Whether the body waits until the server asks for it (RFC 9110, 10.1.1)."""
        return any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.fields)

    def head(self, cookies: str) -> bytes:
        """Return the head of the request in bytes.

        Arguments:
            cookies: the value of Cookie, empty for none.
        """
        fields = self.fields
        if not self.has(b"host"):
            fields = [(b"host", self.url.authority.encode("latin-1")), *fields]
        if cookies and not self.has(b"cookie"):
            fields = [*fields, (b"cookie", cookies.encode("latin-1"))]
        lines = [f"{self.method} {self.url.target} HTTP/1.1".encode("ascii")]
        return b"\r\n".join([*lines, *(name + b": " + value for name, value in fields)]) + b"\r\n\r\n"


def make_request(method: str, url: URL, defaults: Fields, options: RequestOptions) -> ClientRequest:
    """Return the request for the arguments of a client's method.

    Arguments:
        method: the method, in any case.
        url: the URL.
        defaults: the header fields of the client.
        options: the arguments.

    Raises:
        UsageError: the arguments are incompatible.
        ValueError: a header field is invalid.
    """
    method = method.upper()
    if not is_token(method.encode("utf-8")):
        raise UsageError(f"method {method!r}: expected a name such as GET")
    content, content_type = _content(options)
    given = encode_fields(options.get("headers", {}), {})
    fields = merged(defaults, given)
    names = {name for name, _ in fields}
    if content_type and b"content-type" not in names:
        fields.append((b"content-type", content_type.encode("latin-1")))
    if not names & {b"content-length", b"transfer-encoding"}:
        if isinstance(content, AsyncIterable):
            fields.append((b"transfer-encoding", b"chunked"))
        elif content is not None or method in _EXPECTING_CONTENT:
            fields.append((b"content-length", b"%d" % len(content or b"")))
    return ClientRequest(method, url, fields, content)


def merged(defaults: Fields, fields: Fields) -> Fields:
    """Return all fields, without the defaults that `fields` replaces."""
    names = {name for name, _ in fields}
    return [*(field for field in defaults if field[0] not in names), *fields]


def _content(options: RequestOptions) -> tuple[bytes | AsyncIterable[bytes | str] | None, str]:
    """Return the body and its type; the type is empty if none is to be sent."""
    given = [name for name in ("content", "data", "json", "files") if name in options]
    if len(given) > 1 and given != ["data", "files"]:
        raise UsageError(f"a request has one body: {' and '.join(given)} do not go together; data and files do")
    if "files" in options:
        return _multipart(options.get("data", {}), options["files"])
    if "data" in options:
        data: object = options["data"]
        if not isinstance(data, Mapping):
            raise UsageError("data takes the fields of a form by name; pass a whole body with content=")
        return urlencode(data, doseq=True).encode("ascii"), "application/x-www-form-urlencoded"
    if "json" in options:
        return msgspec.json.encode(options["json"]), "application/json"
    content: object = options.get("content")
    if isinstance(content, str):
        return content.encode("utf-8"), "text/plain; charset=utf-8"
    if content is None or isinstance(content, AsyncIterable):
        return content, ""
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content), ""
    raise UsageError(f"content of type {type(content).__name__}: allowed are str, bytes and async iterables of these")


def _multipart(data: Mapping[str, object], files: Files) -> tuple[bytes, str]:
    """Encode a form as multipart/form-data (RFC 7578)."""
    boundary = f"emmett-{secrets.token_hex(16)}"
    parts: list[bytes] = []
    for name, value in data.items():
        for each in value if isinstance(value, (list, tuple)) else [value]:
            parts.append(_part(boundary, f'name="{_escaped(name)}"', "", str(each).encode("utf-8")))
    for name, entry in files.items():
        for file in entry if isinstance(entry, list) else [entry]:
            filename, content, content_type = _file(name, file)
            disposition = f'name="{_escaped(name)}"; filename="{_escaped(filename)}"'
            parts.append(_part(boundary, disposition, content_type, content))
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _file(name: str, file: File) -> tuple[str, bytes, str]:
    if isinstance(file, bytes):
        file = (name, file)
    if not _is_file(file):
        raise UsageError(f"files[{name!r}]: expected (filename, bytes) or (filename, bytes, content type)")
    guessed = mimetypes.guess_type(file[0])[0] or "application/octet-stream"
    return file[0], file[1], file[2] if len(file) == 3 else guessed


def _is_file(file: object) -> bool:
    return isinstance(file, tuple) and len(file) in (2, 3) and isinstance(file[1], bytes)


def _part(boundary: str, disposition: str, content_type: str, content: bytes) -> bytes:
    lines = [f"--{boundary}", f"Content-Disposition: form-data; {disposition}"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + content + b"\r\n"


def _escaped(text: str) -> str:
    for character, escape in _ESCAPED.items():
        text = text.replace(character, escape)
    return text
