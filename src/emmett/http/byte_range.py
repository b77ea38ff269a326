"""Range requests (RFC 9110, 14): the requested part of a resource."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import RequestError

_BYTE_RANGE = re.compile(r"([0-9]*)-([0-9]*)")
# No file is this long, and converting more digits would only cost time.
_MAX_DIGITS = 18


class ByteRange(NamedTuple):
    """A part of a resource: its first byte and its length in bytes, at least one."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """Return the value of the Content-Range header.

        Arguments:
            size: the size of the whole resource in bytes.
        """
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def parse_byte_range(header: str, size: int) -> ByteRange | None:
    """Parse a Range header (RFC 9110, 14.1.2 and 14.2).

    Arguments:
        header: the value of the header.
        size: the size of the whole resource in bytes.

    Returns the requested range, clipped to the resource. Returns `None` if the header is to be ignored and the whole
    resource sent: for another unit, a malformed header, more than one range, or an empty resource. The time grows only
    with the length of the header.

    Raises:
        RequestError: with status 416 and Content-Range if the range starts after the end.
    """
    unit, _, ranges = header.partition("=")
    if unit.lower() != "bytes" or size == 0:
        return None
    # Empty list elements are allowed (RFC 9110, 5.6.1.2).
    asked = [stripped for element in ranges.split(",") if (stripped := element.strip(" \t"))]
    if len(asked) != 1:
        return None
    match = _BYTE_RANGE.fullmatch(asked[0])
    if match is None:
        return None
    first, last = _number(match[1]), _number(match[2])
    if first is None:
        return None if last is None else _suffix(last, size)
    if last is not None and last < first:
        return None
    if first >= size:
        raise _unsatisfiable(size)
    end = size if last is None else min(last + 1, size)
    return ByteRange(first, end - first)


def _suffix(length: int, size: int) -> ByteRange:
    if length == 0:
        raise _unsatisfiable(size)
    length = min(length, size)
    return ByteRange(size - length, length)


def _number(digits: str) -> int | None:
    if not digits:
        return None
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS


def _unsatisfiable(size: int) -> RequestError:
    return RequestError(
        416, f"the range is outside of the resource, which has {size} bytes", {"Content-Range": f"bytes */{size}"}
    )
