"""The size of the head of a request, measured while it arrives."""

from __future__ import annotations

from ..config import HTTPSettings
from ..errors import RequestError


class HeadMeter:
    """Enforces the bounds of a head; the trailer of a chunked body counts as part of it.

    Fields are counted as the parser reports them, their bytes once the head is complete. Bytes that the parser buffers
    until then, or skips as a chunk extension, are counted by complete reads that contained nothing else. The buffer
    thus never exceeds the limit by more than one read, and counting a field costs almost nothing.

    Arguments:
        limits: `max_head_size` in bytes and `max_head_fields`.

    Raises:
        RequestError: with 431 (RFC 6585, 5), from `count_field`, `end_head` and `end_read`, once a limit is exceeded.
    """

    __slots__ = ("_fields", "_limits", "_passed", "_unended", "max_fields", "size")

    def __init__(self, limits: HTTPSettings) -> None:
        self._limits = limits
        self.max_fields = limits.max_head_fields
        self._fields = 0
        # Bytes of the latest reads that contained only pieces of a head.
        self._unended = 0
        # Whether this read contained anything else.
        self._passed = False
        # Bytes in the head that was complete last.
        self.size = 0

    @property
    def unended(self) -> int:
        """Bytes that came of a head that is not complete."""
        return self._unended

    def begin(self) -> None:
        """Begin a request."""
        self._fields = 0
        self.max_fields = self._limits.max_head_fields

    def count_field(self, fields: int = 1) -> None:
        """Count a header field, or several at once."""
        self._fields += fields
        if self._fields > self.max_fields:
            raise RequestError(431, f"more than {self.max_fields} header fields")

    def end_head(self, size: int) -> None:
        """Check the size of a complete head: its target and its fields, in bytes."""
        self._passed = True
        self.size = size
        self._check(size)

    def take_head(self, fields: int, size: int) -> None:
        """Check a complete head that came in a read of its own.

        Arguments:
            fields: the number of its fields.
            size: the size of its target and its fields, in bytes.
        """
        limits = self._limits
        self._unended = 0
        self.size = size
        if fields > limits.max_head_fields or size > limits.max_head_size:
            self.begin()
            self.count_field(fields)
            self._check(size)

    def move_on(self) -> None:
        """Note that a piece of a body has arrived, or that a body is complete."""
        self._passed = True

    def end_read(self, size: int) -> None:
        """Count a read of that many bytes, after the parser has reported its contents."""
        if self._passed:
            self._passed = False
            self._unended = 0
        else:
            self._unended += size
            self._check(self._unended)

    def _check(self, size: int) -> None:
        if size > self._limits.max_head_size:
            raise RequestError(431, f"the head of the request is over {self._limits.max_head_size} bytes")
