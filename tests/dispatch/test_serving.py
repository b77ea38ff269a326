"""Serving a request over any carrier: how the response is sent, and that everything is released."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from emmett import App, Response
from emmett.dispatch import serve_request
from emmett.errors import UsageError
from emmett.http.request import Request
from tests.http.builders import form, form_request, make_request, part


class Carrier:
    """Records responses, and raises the given error after each."""

    def __init__(self, error: Exception | None = None) -> None:
        self.sent: list[Any] = []
        self.error = error

    async def send_whole(self, response: Response, body: bytes) -> None:
        self.sent.append((response.status, body))
        self.fail()

    async def send_stream(self, response: Response) -> None:
        self.sent.append((response.status, [chunk async for chunk in response.chunks()]))
        self.fail()

    def fail(self) -> None:
        if self.error is not None:
            raise self.error


class Source:
    """A stream that notes that it was closed."""

    def __init__(self) -> None:
        self.chunks = iter((b"one", b"two"))
        self.closed = False

    def __iter__(self) -> Source:
        return self

    def __next__(self) -> bytes:
        return next(self.chunks)

    def close(self) -> None:
        self.closed = True


async def serve(result: Any, request: Request, error: Exception | None = None) -> list[Any]:
    app = App(__name__)
    app.route("/", name="index", methods=["get", "post"])(lambda: result)
    carrier = Carrier(error)
    await serve_request(app.table, request, carrier)
    return carrier.sent


@pytest.mark.parametrize(
    ("method", "result", "sent"),
    [
        ("GET", "text", (200, b"text")),
        ("HEAD", "text", (200, b"")),
        ("GET", ["one"], (200, b'["one"]')),
        ("GET", Response([b"one", "two"]), (200, [b"one", b"two"])),
        ("HEAD", Response([b"one", "two"]), (200, b"")),
        ("GET", Response([b"one"], 204), (204, b"")),
        ("POST", Response(b"", 303), (303, b"")),
        ("DELETE", "text", (405, b"DELETE is not allowed here; allowed are GET, HEAD, POST")),
    ],
)
async def test_a_response_is_sent_whole_or_as_a_stream(method: str, result: Any, sent: Any) -> None:
    assert await serve(result, make_request(method)) == [sent]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("error", [None, ConnectionResetError(), LookupError()])
async def test_a_stream_is_closed_however_it_ends(method: str, error: Exception | None) -> None:
    source = Source()
    with contextlib.nullcontext() if error is None else pytest.raises(type(error)):
        await serve(Response(source), make_request(method), error)
    assert source.closed


@pytest.mark.parametrize("error", [None, ConnectionResetError(), LookupError()])
async def test_the_request_is_closed_afterwards(error: Exception | None) -> None:
    """Its form can no longer be read, since nothing would remove its files."""
    asked = form_request(form(part("file", b"content", filename="a.txt")))
    with contextlib.suppress(OSError, LookupError):
        await serve("answer", asked, error)
    with pytest.raises(UsageError, match="answered"):
        await asked.files
