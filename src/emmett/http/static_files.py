"""`StaticFiles`: the files of a folder, as an HTTP resource each."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from mimetypes import MimeTypes
from pathlib import Path

from ..errors import ConfigurationError, HTTPException, RequestError
from .byte_range import ByteRange, parse_byte_range
from .conditions import Validators
from .file_reader import CHUNK_SIZE, FileIdentity, read_chunks
from .request import Request
from .response import Response

# A table of our own: what the machine has in /etc/mime.types must not change an application's answers.
_TYPES = MimeTypes()
for _type, _suffix in (
    ("text/javascript", ".js"),
    ("text/javascript", ".mjs"),
    ("application/json", ".map"),
    ("application/manifest+json", ".webmanifest"),
    ("application/wasm", ".wasm"),
    ("font/woff", ".woff"),
    ("font/woff2", ".woff2"),
    ("image/avif", ".avif"),
    ("image/webp", ".webp"),
    ("image/x-icon", ".ico"),
    ("text/markdown", ".md"),
):
    _TYPES.add_type(_type, _suffix)


class StaticFiles:
    """Answers requests for the files below a folder.

    Arguments:
        directory: the folder. Symbolic links in it work as long as they stay in it.
        max_age: seconds for which a client may use its copy without asking; with 0 it asks every time, and mostly
            gets a 304.

    Raises:
        ConfigurationError: when `max_age` is negative.
    """

    def __init__(self, directory: Path, *, max_age: int = 0) -> None:
        if max_age < 0:
            raise ConfigurationError(f"max_age={max_age!r}: expected a number of seconds, 0 or more")
        self._directory = Path(directory)
        self._cache_control = f"public, max-age={max_age}" if max_age else "no-cache"

    async def respond(self, request: Request, filename: str) -> Response:
        """Answer a GET or HEAD request for a file.

        Arguments:
            request: its conditions and its range are honoured (RFC 9110, 13 and 14).
            filename: the path below the folder, percent-decoded, with `/` between its parts.

        Returns a response with status 200, 206, 304, 412 or 416. What fits one chunk is in it, more is streamed.

        Raises:
            HTTPException: 404 for everything that is not a file below the folder, without a difference between what is
                missing, forbidden or elsewhere; 405 for another method.
        """
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        found = await asyncio.to_thread(self._find, filename)
        if found is None:
            raise HTTPException(404)
        path, identity = found
        # A date in the future would be wrong (RFC 9110, 8.8.2.1).
        modified = min(identity.modified_ns // 1_000_000_000, int(time.time()))
        validators = Validators(f'"{identity.modified_ns:x}-{identity.size:x}"', modified)
        headers = {
            "accept-ranges": "bytes",
            "cache-control": self._cache_control,
            "etag": validators.etag,
            "last-modified": validators.last_modified,
            "x-content-type-options": "nosniff",
        }
        status = validators.evaluate(request.headers)
        if status != 200:
            return Response(status=status, headers=headers)
        try:
            asked = _asked_range(request, validators, identity.size)
        except RequestError as error:
            return Response(error.message, error.status, {**headers, **error.headers}, "text/plain; charset=utf-8")
        part = asked or ByteRange(0, identity.size)
        if asked is not None:
            headers["content-range"] = asked.content_range(identity.size)
        headers["content-length"] = str(part.length)
        content = read_chunks(path, identity, *part)
        # For HEAD only its length is told: the stream is never read, so the file is never opened.
        small = request.method == "GET" and part.length <= CHUNK_SIZE
        body = b"".join([chunk async for chunk in content]) if small else content
        return Response(body, 206 if asked else 200, headers, _content_type(path))

    def _find(self, filename: str) -> tuple[Path, FileIdentity] | None:
        """Look a file up; in a thread, for every step of it asks the disk."""
        if not _is_plain(filename):
            return None
        try:
            # Anew for each request: the folder may be a link that a deployment moves.
            directory = Path(os.path.realpath(self._directory, strict=True))
            path = Path(os.path.realpath(directory / filename, strict=True))
            if not path.is_relative_to(directory):
                return None
            status = path.stat()
        except (OSError, ValueError):
            return None
        # Nothing but a regular file: reading from a pipe or a device might never end.
        if not stat.S_ISREG(status.st_mode) or not os.access(path, os.R_OK):
            return None
        return path, FileIdentity(status)


def _is_plain(filename: str) -> bool:
    """Say whether a name has nothing in it but the names of folders and a file."""
    if "\\" in filename or "\0" in filename:
        return False
    return all(part not in ("", ".", "..") for part in filename.split("/"))


def _asked_range(request: Request, validators: Validators, size: int) -> ByteRange | None:
    """Return the part of the file that is asked for; only GET has ranges (RFC 9110, 14.2)."""
    header = request.headers.get("range")
    if header is None or request.method != "GET" or not validators.allow_range(request.headers.get("if-range")):
        return None
    return parse_byte_range(header, size)


def _content_type(path: Path) -> str:
    media_type, encoding = _TYPES.guess_type(path.name)
    if encoding is not None:
        # The compressed file is what was asked for: Content-Encoding would make the client unpack it.
        return "application/gzip" if encoding == "gzip" else "application/octet-stream"
    if media_type is None:
        return "application/octet-stream"
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
