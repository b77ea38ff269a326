"""The media type of a file, derived from its name."""

from __future__ import annotations

from mimetypes import MimeTypes

BINARY = "application/octet-stream"

# A separate table: the contents of the machine's /etc/mime.types must not change an application's answers.
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


def media_type_of(filename: str) -> str:
    """Return the media type for the suffix of a name; text types have `charset=utf-8`.

    Arguments:
        filename: the name of a file, without folders. A file with a compression suffix, such as `a.txt.gz`, has the
            type of the compression format.

    Returns `application/octet-stream` for an unknown suffix.
    """
    # With a leading slash, since a name with a colon would be parsed as a URL.
    media_type, encoding = _TYPES.guess_type(f"/{filename}")
    if encoding is not None:
        # The client asks for the compressed file: Content-Encoding would make it decompress the content.
        return "application/gzip" if encoding == "gzip" else BINARY
    if media_type is None:
        return BINARY
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
