"""Requests one after another on connections that stay open (HTTP/1.1, RFC 9112)."""

from __future__ import annotations

import json
from collections.abc import Callable

import httptools

from benchmarks.handshake import END_OF_HEAD
from benchmarks.loads.load import Connection, Load, opened

STATUS = b"HTTP/1.1 200 "
GREETING = b"Hello, World!"


class HTTPConnection(Connection):
    """Sends a request, checks the response, sends it again.

    The first response is parsed. From then on one of the same length, status and body is right without parsing: only
    its date may differ. Another length is parsed again. `is_right` is called with the body.
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
        self._data = data
        if len(data) != self._length or not data.startswith(STATUS) or not data.endswith(self._tail):
            try:
                body = response_body(data)
            except ValueError as error:
                self.failed(str(error))
                return
            if body is None:
                return
            if not self.is_right(body):
                self.failed(f"the body is {body[:60]!r}")
                return
            self._length, self._tail = len(data), data[data.index(END_OF_HEAD) :]
        self._data = b""
        if self.answered == self.sent:
            self.failed("a response came that nobody asked for")
            return
        self.answered += 1
        self.bytes += len(data)
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


class _Response:
    """Collects what the parser finds in a response."""

    def __init__(self) -> None:
        self.body = b""
        self.complete = False

    def on_message_begin(self) -> None:
        if self.complete:
            raise ValueError("more than a response came")

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


def response_body(data: bytes) -> bytes | None:
    """Return the body of a response; None while it is not whole.

    Raises:
        ValueError: it is no response with status 200, or more than one.
    """
    response = _Response()
    parser = httptools.HttpResponseParser(response)
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserCallbackError) as error:
        reason = error.__context__ if isinstance(error.__context__, ValueError) else error
        raise ValueError(f"{reason}: {data[:60]!r}") from error
    if len(data) >= len(STATUS) and parser.get_status_code() != 200:
        raise ValueError(f"the server answered {data[:60]!r}")
    return response.body if response.complete else None


def _is_json_greeting(body: bytes) -> bool:
    try:
        return bool(json.loads(body) == {"message": GREETING.decode()})
    except ValueError:
        return False


RIGHT: dict[str, Callable[[bytes], bool]] = {"text": GREETING.__eq__, "json": _is_json_greeting}
