"""The head of a response, in bytes (RFC 9112, 4 and 5)."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_STATUS_LINES = {status: f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n" for status in range(200, 600)}


class ResponseHeads:
    """Encodes the heads of the responses of a process.

    The common fields, such as Date, change once a second, so each list of them is encoded only once.
    """

    __slots__ = ("_common", "_spelled")

    def __init__(self) -> None:
        # The list whose fields are encoded.
        self._common: list[tuple[bytes, bytes]] | None = None
        self._spelled = ""

    def write(
        self, status: int, common: list[tuple[bytes, bytes]], fields: Iterable[tuple[str, str]], framing: str
    ) -> bytes:
        """Return a head.

        Arguments:
            status: 200 to 599.
            common: the fields that all responses begin with; a new list when they change.
            fields: the other fields: names and values that `MutableHeaders` would accept.
            framing: the last lines, each with its CRLF.
        """
        if common is not self._common:
            self._common = common
            self._spelled = "".join([f"{name.decode()}: {value.decode('latin-1')}\r\n" for name, value in common])
        lines = [f"{name}: {value}\r\n" for name, value in fields]
        return f"{_STATUS_LINES[status]}{self._spelled}{''.join(lines)}{framing}\r\n".encode("latin-1")
