"""Responses with a file: its validators, the conditions and the range of a request, its content."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import RequestError
from .byte_range import ByteRange, parse_byte_range
from .conditions import Validators
from .file_reader import CHUNK_SIZE, FileChangedError, FileIdentity, read_chunks, read_part
from .request import Request
from .response import Response

_ATTEMPTS = 3


class FileForm(NamedTuple):
    """One form of a file to send: the file itself or a compressed form of it.

    Fields:
        path: its path.
        identity: its current state.
        content_type: the media type of the uncompressed content.
        coding: its content coding (RFC 9110, 8.4.1); `None` for the file itself.
        has_others: whether there are other forms of the same content, among which the client's Accept-Encoding chooses.
    """

    path: Path
    identity: FileIdentity
    content_type: str
    coding: str | None = None
    has_others: bool = False

    @property
    def validators(self) -> Validators:
        """The validators of this form and state of the file."""
        identity = self.identity
        tag = f"{identity.modified_ns:x}-{identity.size:x}" + (f"-{self.coding}" if self.coding else "")
        # A date in the future is not allowed (RFC 9110, 8.8.2.1).
        modified = min(identity.modified_ns // 1_000_000_000, int(time.time()))
        return Validators(f'"{tag}"', modified, shared_date=self.has_others)

    @property
    def headers(self) -> dict[str, str]:
        """The header fields that describe the content, and what the choice of this form depends on."""
        headers = {"x-content-type-options": "nosniff"}
        if self.coding:
            headers["content-encoding"] = self.coding
        if self.has_others:
            headers["vary"] = "accept-encoding"
        return headers


def identify_file(path: Path) -> FileIdentity:
    """Return the state of a file to send, without opening it; call this in a thread.

    Raises:
        OSError: the file is missing, may not be read, or is not a regular file: a pipe or a device might never end.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path}: expected a file, but this is a folder, a pipe or a device")
    if not os.access(path, os.R_OK):
        raise PermissionError(f"{path}: this process may not read it")
    return FileIdentity(status)


def respond_to_changes(respond: Callable[[], Response]) -> Response:
    """Answer with a file, trying again if it is replaced or deleted after it was identified, as a deployment does.

    Raises:
        OSError: this happens on every attempt.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(FileChangedError, FileNotFoundError):
            return respond()
    return respond()


def respond_with_file(request: Request, form: FileForm, headers: Mapping[str, str]) -> Response:
    """Return the answer to a request for a file. It reads the disk, so call it in a thread.

    Arguments:
        request: with GET and HEAD, its conditions are honoured (RFC 9110, 13.2), with GET its range too (RFC 9110, 14).
        form: the form to send.
        headers: further header fields, such as Cache-Control.

    Returns a response with status 200, which `emmett.response` may override, 206, 304, 412 or 416. Content that fits
    into one chunk is in the response, longer content is streamed.

    Raises:
        FileChangedError: the file was replaced meanwhile and has to be identified again.
        OSError: the file cannot be read.
    """
    validators, size = form.validators, form.identity.size
    described = {
        "accept-ranges": "bytes",
        "etag": validators.etag,
        "last-modified": validators.last_modified,
        **form.headers,
        **headers,
    }
    status = validators.evaluate(request.headers) if request.method in ("GET", "HEAD") else 200
    if status == 304:
        return Response(status=304, headers=described)
    if status != 200:
        return refusal(412, "the current file does not meet the conditions of the request", described)
    try:
        asked = _asked_range(request, validators, size)
    except RequestError as error:
        return refusal(error.status, error.message, {**described, **error.headers})
    part = asked or ByteRange(0, size)
    if asked is not None:
        described["content-range"] = asked.content_range(size)
    described["content-length"] = str(part.length)
    # For HEAD only the length counts: the stream is never read, so the file is never opened.
    small = request.method != "HEAD" and part.length <= CHUNK_SIZE
    body = (read_part if small else read_chunks)(form.path, form.identity, *part)
    # Without an explicit 200, the status that a handler has set is used.
    return Response(body, 206 if asked else None, described, form.content_type)


def refusal(status: int, message: str, headers: Mapping[str, str]) -> Response:
    """Return the answer to a request whose conditions cannot be met.

    A cache must not mistake it for the file, so the fields for the file's coding and age are left out.
    """
    kept = {name: value for name, value in headers.items() if name not in ("content-encoding", "content-disposition")}
    return Response(message, status, {**kept, "cache-control": "no-store"}, "text/plain; charset=utf-8")


def _asked_range(request: Request, validators: Validators, size: int) -> ByteRange | None:
    """Return the requested part of the file; only GET has ranges (RFC 9110, 14.2)."""
    header = request.headers.get("range")
    if header is None or request.method != "GET" or not validators.allow_range(request.headers.get("if-range")):
        return None
    return parse_byte_range(header, size)
