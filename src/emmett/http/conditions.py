"""Conditional requests (RFC 9110, 13): whether the client already has the current resource."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import Literal

from ..datastructures import Headers

# opaque-tag of RFC 9110, 8.8.3, with the prefix of a weak one.
_ENTITY_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
# The longest of the three formats, "Wednesday, 06-Nov-94 08:49:37 GMT", has 33 characters.
_MAX_DATE_LENGTH = 40


class Validators:
    """The validators that distinguish one state of a resource from another.

    Arguments:
        etag: a strong entity tag, including its quotes.
        modified: the time of the last change, in whole seconds since the epoch.
        shared_date: whether another form of the resource, such as a compressed one, may have the same date. The date
            then does not identify the form of which the client has a part (RFC 9110, 8.8.1).
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
        """Return the status that answers a GET or HEAD request, in the order that RFC 9110, 13.2.2 defines.

        Returns 412 if a precondition fails, 304 if the client's copy is current, 200 otherwise. A date that cannot be
        parsed is ignored.
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
        """Return whether a Range header applies, given the If-Range header (RFC 9110, 13.1.5).

        Arguments:
            if_range: the value of the header; `None` if there is none.
        """
        if if_range is None:
            return True
        if if_range.startswith(('"', "W/")):
            return if_range == self.etag
        return not self._shared_date and parse_http_date(if_range) == self.modified

    def _matches(self, field: str, *, weak: bool) -> bool:
        """Look for the entity tag in a list (RFC 9110, 8.8.3.2), in which `*` matches any tag."""
        if field.strip(" \t") == "*":
            return True
        return any(tag == self.etag and (weak or not mark) for mark, tag in _ENTITY_TAG.findall(field))


def parse_http_date(value: str) -> int | None:
    """Parse an HTTP date in any of its three formats (RFC 9110, 5.6.7).

    Returns seconds since the epoch; `None` if the text is not such a date.
    """
    if not value or len(value) > _MAX_DATE_LENGTH:
        return None
    try:
        date: datetime = parsedate_to_datetime(value)
        return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
