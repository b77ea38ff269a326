"""Range requests (RFC 9110, 14): the part of a resource that is asked for."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import RequestError

_BYTE_RANGE = re.compile(r"([0-9]*)-([0-9]*)")
# A file this long does not exist; more digits would only cost time to convert.
_MAX_DIGITS = 18


class ByteRange(NamedTuple):
    """A part of a resource: its first byte, and how many bytes it has, at least one."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """Return the value of the Content-Range header.

        Arguments:
            size: bytes in the whole resource.
        """
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def parse_byte_range(header: str, size: int) -> ByteRange | None:
    """Read a Range header (RFC 9110, 14.1.2 and 14.2).

    Arguments:
        header: the value of the header.
        size: bytes in the whole resource.

    Returns the range that is asked for, cut to the resource. `None` when the header is to be ignored and the whole
    resource sent: another unit, a header that breaks the grammar, more than one range, an empty resource. The time
    grows with the length of the header alone.

    Raises:
        RequestError: with status 416 and Content-Range, when the range lies behind the end.
    """
    unit, _, ranges = header.partition("=")
    if unit.lower() != "bytes" or size == 0:
        return None
    # Empty elements of a list are allowed (RFC 9110, 5.6.1.2).
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
        416, f"the range lies outside of the {size} bytes there are", {"Content-Range": f"bytes */{size}"}
    )
