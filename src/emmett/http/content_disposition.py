"""Content-Disposition (RFC 6266): the name under which a client saves a download."""

from __future__ import annotations

import re
from urllib.parse import quote

# The characters that are harmless between quotes in every client. Some clients unescape a backslash and a quote, others
# do not, and some decode a percent sign (RFC 6266, appendix D).
_HARMLESS = re.compile(r"[\x20\x21\x23\x24\x26-\x5b\x5d-\x7e]+")
_HARMFUL_CHARACTER = re.compile(r"[^\x20\x21\x23\x24\x26-\x5b\x5d-\x7e]")
# Control characters and path separators, at which a client would cut the name (RFC 6266, 4.3).
_NO_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f/\\]")
# attr-char of RFC 8187, 3.2.1, besides letters, digits and the characters that `quote` never encodes (`_.-~`).
_ATTRIBUTE_CHARACTERS = "!#$&+^`|"


def attachment(filename: str) -> str:
    """Return the value of a Content-Disposition header that offers a download.

    Arguments:
        filename: the name to save it under, in any script. Slashes, backslashes and control characters, which are not
            allowed in file names, become `_`.

    Returns a value with the name in ASCII and, if that loses characters, also in the encoding of RFC 8187.

    Raises:
        ValueError: the name is empty.
    """
    if not filename:
        raise ValueError("filename='': expected the name under which a client saves the file")
    # A lone surrogate, as in a name from a foreign file system, has no UTF-8 encoding.
    name = _NO_NAME.sub("_", filename.encode("utf-8", "replace").decode("utf-8"))
    if _HARMLESS.fullmatch(name):
        return f'attachment; filename="{name}"'
    plain = _HARMFUL_CHARACTER.sub("_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTRIBUTE_CHARACTERS)}"
