"""`CheckedHead`: the parsed fields of a valid head, kept for the next request on the connection."""

from __future__ import annotations

from ..wire.fields import RawHeaders
from ..wire.request import find_host

_LENGTHS = (b"content-length", b"transfer-encoding")


class CheckedHead:
    """The fields of a valid head without an upgrade.

    Most clients send the same fields with each request. A head that equals a valid one is valid too, and comparing
    takes less than a tenth of the time of the checks: 0.1 to 0.3 µs instead of 4 to 6.

    Arguments:
        version: such as `"1.1"`.
        headers: pairs of lower-case name and value. The list is copied, because applications can change it.

    Attributes:
        host: the value of Host; None if there is none.
        size: the size of the fields in the head, in bytes.
        has_body: whether the request has a body, perhaps an empty one.
        expects_continue: whether the client waits for 100 Continue before it sends the body (RFC 9110, 10.1.1).
    """

    __slots__ = ("_headers", "_version", "expects_continue", "has_body", "host", "size")

    def __init__(self, version: str, headers: RawHeaders) -> None:
        self._version = version
        self._headers = list(headers)
        self.host = find_host(headers)
        self.size = field_size(headers)
        self.has_body = any(name in _LENGTHS for name, _ in headers)
        self.expects_continue = any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)

    def is_like(self, version: str, headers: RawHeaders) -> bool:
        """Return whether another head has the same fields, in the same order and spelling."""
        return self._headers == headers and self._version == version


def field_size(headers: RawHeaders) -> int:
    """Return the size of header fields in a head, in bytes."""
    size = 4 * len(headers)
    for name, value in headers:
        size += len(name) + len(value)
    return size
