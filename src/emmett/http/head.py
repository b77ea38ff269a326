"""`RequestHead`: the common part of a request and a websocket handshake."""

from __future__ import annotations

import itertools
import os
import re
from typing import TYPE_CHECKING

from ..datastructures import Headers, sdict
from .query import parse_query

if TYPE_CHECKING:
    from http.cookies import SimpleCookie

# The fields of a head. Subclasses have them as slots: a class can have one base with slots, and that of a websocket is
# the engine's.
HEAD_SLOTS = ("_cookies", "_id", "_query_params", "headers", "query_string")

# What an id from outside may look like: it ends up in logs and in commands.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=+/-]{7,127}")
# Ids of this process begin with random digits, so that those of several processes differ.
_prefix = os.urandom(6).hex()
_numbers = itertools.count(1)


class RequestHead:
    """Header fields and query string. Parsed values are computed on first access and kept.

    Arguments:
        query_string: the part after the `?`, as it was sent.
        headers: the header fields.
    """

    # Not written as an empty tuple, which mypy would hold the assignments below to.
    __slots__ = tuple[str, ...]()

    headers: Headers
    query_string: bytes
    _cookies: SimpleCookie | None
    # Only set once it is read.
    _id: str
    _query_params: sdict[str | list[str]] | None

    def __init__(self, query_string: bytes, headers: Headers) -> None:
        self.query_string = query_string
        self.headers = headers
        self._cookies = None
        self._query_params = None

    @property
    def id(self) -> str:
        """The id of the request or handshake, for logs: X-Request-Id, if a proxy or client sent a usable one.

        Otherwise it is unique among all processes. It proves nothing, since clients may send any.
        """
        try:
            return self._id
        except AttributeError:
            given = self.headers.get("x-request-id", "")
            self._id = given if _ID.fullmatch(given) else f"{_prefix}-{next(_numbers):x}"
            return self._id

    @property
    def host(self) -> str:
        """The Host header, with the port if it has one; empty if there is none."""
        return self.headers.get("host", "")

    @property
    def cookies(self) -> SimpleCookie:
        """The cookies of the request: `request.cookies["name"].value`, `websocket.cookies["name"].value`."""
        if self._cookies is None:
            # Imported here: many applications read no cookie.
            from .cookies import parse_cookies

            self._cookies = parse_cookies(self.headers.get("cookie", ""))
        return self._cookies

    @property
    def query_params(self) -> sdict[str | list[str]]:
        """The query parameters: `str`, `list[str]` when repeated, `""` when blank, `None` when missing."""
        if self._query_params is None:
            self._query_params = parse_query(self.query_string)
        return self._query_params
