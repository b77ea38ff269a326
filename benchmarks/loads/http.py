"""Requests one after another on connections that stay open (HTTP/1.1, RFC 9112)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from benchmarks.handshake import END_OF_HEAD
from benchmarks.loads.load import Connection, Load, opened

STATUS = b"HTTP/1.1 200 "
GREETING = b"Hello, World!"


class HTTPConnection(Connection):
    """Sends a request, checks the response, sends it again.

    The first response is parsed. From then on one of the same length, status and body is right without parsing: only
    its date may differ. Another length is parsed again.

    Arguments:
        request: what it writes.
        is_right: whether a body is the expected one.
        failed: called with a sentence when something else happens.
    """

    def __init__(self, request: bytes, is_right: Callable[[bytes], bool], failed: Callable[[str], None]) -> None:
        super().__init__(request, failed)
        self.is_right = is_right
        self._data = b""
        self._length = 0
        self._tail = b""  # the end of the head and the body, as they were the last time

    def data_received(self, data: bytes) -> None:
        if self._data:
            data = self._data + data
        if len(data) == self._length and data.startswith(STATUS) and data.endswith(self._tail):
            self._data = b""
            self._answered(len(data))
            return
        try:
            body = response_body(data)
        except ValueError as error:
            self.failed(str(error))
            return
        self._data = data
        if body is not None:
            self._learn(data, body)

    def _learn(self, data: bytes, body: bytes) -> None:
        if not self.is_right(body):
            self.failed(f"the body is {body[:60]!r}")
            return
        self._data, self._length, self._tail = b"", len(data), data[data.index(END_OF_HEAD) :]
        self._answered(len(data))

    def _answered(self, size: int) -> None:
        if self.answered == self.sent:
            self.failed("a response came that nobody asked for")
            return
        self.answered += 1
        self.bytes += size
        if self.running:
            self.send()


class HTTPLoad(Load):
    """All connections ask without pause, one request in flight each."""

    unfinished = "requests were still unanswered"

    async def open(self) -> None:
        self.connections = await opened(self.plan.connections, self._open)

    async def _open(self, number: int) -> HTTPConnection:
        plan = self.plan
        request = get_request(plan.host, plan.port, plan.path)
        connection = HTTPConnection(request, RIGHT[plan.payload], self.watch.failed)
        connection.transport = await self.open_connection(connection)
        return connection


def get_request(host: str, port: int, path: str) -> bytes:
    """Return a request as a small client sends it."""
    lines = (f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Accept: */*", "User-Agent: benchmark")
    return "\r\n".join(lines).encode("ascii") + END_OF_HEAD


def response_body(data: bytes) -> bytes | None:
    """Return the body of a response (RFC 9112, section 6); None while it is not whole.

    Raises:
        ValueError: it is no response with status 200, or more than one, or its end cannot be seen.
    """
    head, end, body = data.partition(END_OF_HEAD)
    if not (data.startswith(STATUS) or STATUS.startswith(data)):
        raise ValueError(f"the server answered {data[:60]!r}")
    if not end:
        return None
    fields = {
        name.strip().lower(): value.strip() for name, _, value in (f.partition(b":") for f in head.split(b"\r\n"))
    }
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        return _chunked(body)
    length = fields.get(b"content-length", b"")
    if not re.fullmatch(rb"\d+", length):
        raise ValueError(f"a response without a length: {head!r}")
    if len(body) > int(length):
        raise ValueError(f"more than a response came: {body[int(length) :][:60]!r}")
    return body if len(body) == int(length) else None


def _chunked(data: bytes) -> bytes | None:
    body = b""
    while True:
        line, end, rest = data.partition(b"\r\n")
        if not end:
            return None
        size = int(line.split(b";")[0], 16)
        if len(rest) < size + 2:
            return None
        if size == 0:
            if rest != b"\r\n":
                raise ValueError(f"more than a response came: {rest[:60]!r}")
            return body
        body, data = body + rest[:size], rest[size + 2 :]


def _is_greeting(body: bytes) -> bool:
    return body == GREETING


def _is_json_greeting(body: bytes) -> bool:
    try:
        return bool(json.loads(body) == {"message": GREETING.decode()})
    except ValueError:
        return False


RIGHT: dict[str, Callable[[bytes], bool]] = {"text": _is_greeting, "json": _is_json_greeting}
