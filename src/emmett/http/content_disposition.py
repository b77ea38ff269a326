"""Content-Disposition (RFC 6266): the name under which a client is to save what it gets."""

from __future__ import annotations

import re
from urllib.parse import quote

# What is harmless between quotes in every client. A backslash and a quote are escaped by some and not by others, and a
# percent sign is decoded by some (RFC 6266, appendix D).
_HARMLESS = re.compile(r"[\x20\x21\x23\x24\x26-\x5b\x5d-\x7e]+")
_HARMFUL_CHARACTER = re.compile(r"[^\x20\x21\x23\x24\x26-\x5b\x5d-\x7e]")
# Control characters, and what parts a path: a client would cut there (RFC 6266, 4.3).
_NO_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f/\\]")
# attr-char of RFC 8187, 3.2.1, beside letters, digits and what `quote` never encodes (`_.-~`).
_ATTRIBUTE_CHARACTERS = "!#$&+^`|"


def attachment(filename: str) -> str:
    """Return the value of a Content-Disposition header that offers a download.

    Arguments:
        filename: the name to save it under, in any script. Slashes, backslashes and control characters, which no name
            of a file has, become `_`.

    Returns a value with the name in ASCII, and, where that says less, once more as RFC 8187 encodes it.

    Raises:
        ValueError: when the name is empty.
    """
    if not filename:
        raise ValueError("filename='': expected the name under which a client is to save the file")
    # A lone surrogate, as in a name from a foreign file system, has no UTF-8.
    name = _NO_NAME.sub("_", filename.encode("utf-8", "replace").decode("utf-8"))
    if _HARMLESS.fullmatch(name):
        return f'attachment; filename="{name}"'
    plain = _HARMFUL_CHARACTER.sub("_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTRIBUTE_CHARACTERS)}"
