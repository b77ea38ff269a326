"""How large the head of a request is, while it comes."""

from __future__ import annotations

from ..config import HTTPSettings
from ..errors import RequestError


class HeadMeter:
    """Counts bytes and fields of a head; the trailer of a chunked body counts as part of it.

    The parser tells of whole fields. What it keeps of a field that has not ended, or skips as chunk extension, is
    counted by whole reads in which nothing else came.

    Arguments:
        limits: `max_head_size` in bytes and `max_head_fields`.

    Raises:
        RequestError: with 431 (RFC 6585, 5), from each of the counting methods, once a limit is exceeded.
    """

    __slots__ = ("_fields", "_limits", "_passed", "_size", "_unended")

    def __init__(self, limits: HTTPSettings) -> None:
        self._limits = limits
        # Bytes and fields that the parser told of.
        self._size = 0
        self._fields = 0
        # Bytes of the last reads, those that brought nothing but pieces of a head.
        self._unended = 0
        # This read has brought something else.
        self._passed = False

    def begin(self) -> None:
        """A request begins."""
        self._size = 0
        self._fields = 0

    def count(self, size: int) -> None:
        """Count bytes of the request line."""
        self._size += size
        self._check(self._size)

    def count_field(self, size: int) -> None:
        """Count a field of that many bytes."""
        self._fields += 1
        if self._fields > self._limits.max_head_fields:
            raise RequestError(431, f"more than {self._limits.max_head_fields} header fields")
        self.count(size)

    def move_on(self) -> None:
        """A head is complete, a piece of a body has come, or a body is complete."""
        self._passed = True

    def end_read(self, size: int) -> None:
        """Count a read of that many bytes, of which the parser has told all it had to tell."""
        if self._passed:
            self._passed = False
            self._unended = 0
        else:
            self._unended += size
            self._check(self._unended)

    def _check(self, size: int) -> None:
        if size > self._limits.max_head_size:
            raise RequestError(431, f"the head of the request is over {self._limits.max_head_size} bytes")
