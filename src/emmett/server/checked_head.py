"""`CheckedHead`: the parsed fields of a valid head, kept for the next request on the connection."""

from __future__ import annotations

from ..wire.fields import RawHeaders
from ..wire.request import find_host

_LENGTHS = (b"content-length", b"transfer-encoding")
START, VERSION = b"GET ", b" HTTP/1.1\r\n"


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
        raw: the bytes after the target, if an equal read can be taken without the parser: the head of a GET request
            without a body, after which the connection stays open. None until `keep_raw`, and `b""` if it cannot.
        is_repeated: whether a second head was like this one.
    """

    __slots__ = ("_headers", "_version", "expects_continue", "has_body", "host", "is_repeated", "raw", "size")

    def __init__(self, version: str, headers: RawHeaders) -> None:
        self._version = version
        self.raw: bytes | None = None
        self.is_repeated = False
        self._headers = list(headers)
        self.host = find_host(headers)
        self.size = field_size(headers)
        self.has_body = any(name in _LENGTHS for name, _ in headers)
        self.expects_continue = any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)

    def is_like(self, version: str, headers: RawHeaders) -> bool:
        """Return whether another head has the same fields, in the same order and spelling."""
        if self._headers != headers or self._version != version:
            return False
        self.is_repeated = True
        return True

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the fields in a new list."""
        return self._headers.copy()

    def keep_raw(self, data: bytes) -> None:
        """Keep the bytes after the target if the next read may be compared with them.

        Arguments:
            data: the read in which the head came, whole.
        """
        decides = any(
            name in (b"upgrade", b"expect") or (name == b"connection" and value.lower() != b"keep-alive")
            for name, value in self._headers
        )
        is_plain = self._version == "1.1" and not self.has_body and not decides
        fields = split_head(data, self._headers)[1] if is_plain else b""
        self.raw = fields and VERSION + fields


def split_head(data: bytes, fields: RawHeaders | None = None) -> tuple[bytes, bytes]:
    """Return the target of a GET request with HTTP/1.1, and the bytes of its fields with the empty line after them.

    Arguments:
        data: the head.
        fields: the parsed fields. With them, the result is empty unless the data consists of one head that spells them
            in the usual way, so that equal bytes always mean the same.

    Returns:
        Both empty if the data does not begin with such a request line.
    """
    line, _, rest = data.partition(VERSION)
    if line[:4] != START:
        return b"", b""
    if fields is not None:
        spelled = b"".join([b"%b: %b\r\n" % field for field in fields])
        if rest.lower() != spelled.lower() + b"\r\n":
            return b"", b""
    return line[4:], rest


def field_size(headers: RawHeaders) -> int:
    """Return the size of header fields in a head, in bytes."""
    size = 4 * len(headers)
    for name, value in headers:
        size += len(name) + len(value)
    return size
