"""The media type of a file, derived from its name."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mimetypes import MimeTypes

BINARY = "application/octet-stream"

_MORE_TYPES = (
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
)


@cache
def _types() -> MimeTypes:
    from mimetypes import MimeTypes

    # A separate table: the contents of the machine's /etc/mime.types must not change an application's answers.
    types = MimeTypes()
    for media_type, suffix in _MORE_TYPES:
        types.add_type(media_type, suffix)
    return types


def media_type_of(filename: str) -> str:
    """Return the media type for the suffix of a name; text types have `charset=utf-8`.

    Arguments:
        filename: the name of a file, without folders. A file with a compression suffix, such as `a.txt.gz`, has the
            type of the compression format.

    Returns `application/octet-stream` for an unknown suffix.
    """
    # With a leading slash, since a name with a colon would be parsed as a URL.
    media_type, encoding = _types().guess_type(f"/{filename}")
    if encoding is not None:
        # The client asks for the compressed file: Content-Encoding would make it decompress the content.
        return "application/gzip" if encoding == "gzip" else BINARY
    if media_type is None:
        return BINARY
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
