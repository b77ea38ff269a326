"""`Delimiters`: removes the parts of a multipart body to ignore (RFC 2046, 5.1.1), which the parser does not accept."""

from __future__ import annotations

import re

MAX_PADDING = 1024
"""The maximum number of ignored blanks after a delimiter; more of them make a form malformed."""


class Delimiters:
    """Removes the preamble, and the padding between a delimiter and the end of its line.

    Arguments:
        boundary: the boundary that the Content-Type names.

    Attributes:
        begun: whether the first delimiter has arrived.
    """

    __slots__ = ("_delimiter", "_held", "_open_end", "_padded", "begun")

    def __init__(self, boundary: bytes) -> None:
        self.begun = False
        self._delimiter = b"\r\n--" + boundary
        escaped = re.escape(self._delimiter)
        self._padded = re.compile(escaped + rb"[ \t]++(?=\r\n)")
        # A suffix that may still become a delimiter with padding.
        self._open_end = re.compile(escaped + rb"[ \t]*+\r?\Z")
        # The end of the input while it may begin a delimiter. The first delimiter needs no line end before it.
        self._held = b"\r\n"

    def feed(self, chunk: bytes) -> bytes:
        """Return the data that can be parsed now, from this chunk and the data held back before."""
        data = self._held + chunk if self._held else chunk
        if not self.begun:
            start = data.find(self._delimiter)
            if start < 0:
                self._held = data[1 - len(self._delimiter) :]
                return b""
            self.begun = True
            data = data[start:]
        if self._delimiter + b" " in data or self._delimiter + b"\t" in data:
            data = self._padded.sub(self._delimiter, data)
        return self._hold_end(data)

    def flush(self) -> bytes:
        """Return the data held back, at the end of the body."""
        held, self._held = self._held, b""
        return held

    def _hold_end(self, data: bytes) -> bytes:
        longest = len(self._delimiter) + MAX_PADDING + 1
        found = self._open_end.search(data, max(0, len(data) - longest))
        start = data.rfind(b"\r", max(0, len(data) - len(self._delimiter))) if found is None else found.start()
        if start >= 0 and (found is not None or self._delimiter.startswith(data[start:])):
            self._held = data[start:]
            return data[:start]
        self._held = b""
        return data
