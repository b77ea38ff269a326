"""Conditional requests (RFC 9110, 13): whether the client has what it asks for already."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import Literal

from ..datastructures import Headers

# opaque-tag of RFC 9110, 8.8.3, with what stands before it in a weak one.
_ENTITY_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
# The longest of the three formats, "Wednesday, 06-Nov-94 08:49:37 GMT", has 33 characters.
_MAX_DATE_LENGTH = 40


class Validators:
    """What tells one state of a resource from another.

    Arguments:
        etag: a strong entity tag, with its quotes.
        modified: when the resource was last changed, in whole seconds since the epoch.
        shared_date: whether another form of the resource, such as a compressed one, may bear the same date. Then the
            date does not tell which of them the client has a part of (RFC 9110, 8.8.1).
    """

    __slots__ = ("_shared_date", "etag", "modified")

    def __init__(self, etag: str, modified: int, *, shared_date: bool = False) -> None:
        self.etag = etag
        self.modified = modified
        self._shared_date = shared_date

    @property
    def last_modified(self) -> str:
        """The value of the Last-Modified header."""
        return formatdate(self.modified, usegmt=True)

    def evaluate(self, headers: Headers) -> Literal[200, 304, 412]:
        """Say how to answer a GET or HEAD request, in the order that RFC 9110, 13.2.2 sets.

        Returns 412 when a precondition does not hold, 304 when the client's copy is current, 200 otherwise. A date that
        cannot be read counts as none.
        """
        if (if_match := headers.get("if-match")) is not None:
            if not self._matches(if_match, weak=False):
                return 412
        elif (since := parse_http_date(headers.get("if-unmodified-since", ""))) is not None and self.modified > since:
            return 412
        if (if_none_match := headers.get("if-none-match")) is not None:
            return 304 if self._matches(if_none_match, weak=True) else 200
        since = parse_http_date(headers.get("if-modified-since", ""))
        return 304 if since is not None and self.modified <= since else 200

    def allow_range(self, if_range: str | None) -> bool:
        """Say whether a Range header counts, given the If-Range header (RFC 9110, 13.1.5).

        Arguments:
            if_range: the value of the header; `None` when there is none.
        """
        if if_range is None:
            return True
        if if_range.startswith(('"', "W/")):
            return if_range == self.etag
        return not self._shared_date and parse_http_date(if_range) == self.modified

    def _matches(self, field: str, *, weak: bool) -> bool:
        """Look for the entity tag in a list (RFC 9110, 8.8.3.2); `*` stands for any."""
        if field.strip(" \t") == "*":
            return True
        return any(tag == self.etag and (weak or not mark) for mark, tag in _ENTITY_TAG.findall(field))


def parse_http_date(value: str) -> int | None:
    """Read an HTTP date in any of its three formats (RFC 9110, 5.6.7).

    Returns seconds since the epoch, `None` when the text is no such date.
    """
    if not value or len(value) > _MAX_DATE_LENGTH:
        return None
    try:
        date: datetime = parsedate_to_datetime(value)
        return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
