"""The media type of a file, by its name."""

from __future__ import annotations

from mimetypes import MimeTypes

BINARY = "application/octet-stream"

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


def media_type_of(filename: str) -> str:
    """Return the media type that the suffix of a name stands for, text with `charset=utf-8`.

    Arguments:
        filename: the name of a file, without folders. What is compressed by its name, such as `a.txt.gz`, has the type
            of the compression: that is what the file holds.

    Returns `application/octet-stream` for a suffix that is not known.
    """
    # With a slash in front: a name with a colon in it would be read as a URL.
    media_type, encoding = _TYPES.guess_type(f"/{filename}")
    if encoding is not None:
        # The compressed file is what was asked for: Content-Encoding would make the client unpack it.
        return "application/gzip" if encoding == "gzip" else BINARY
    if media_type is None:
        return BINARY
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
