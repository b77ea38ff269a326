"""Requests and bodies for the tests of this folder, as an adapter would make them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable

from emmett.config import HTTPSettings
from emmett.datastructures import Headers
from emmett.http import Body, Request, Response

FORM_TYPE = 'multipart/form-data; boundary="=-x-="'


class Clock:
    """The time of the running loop, which a test moves forward. Callbacks then due run in the loop's next turn."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._time = loop.time
        self._ahead = 0.0
        loop.time = self.now  # type: ignore[method-assign]

    def now(self) -> float:
        return self._time() + self._ahead

    def forward(self, seconds: float) -> None:
        self._ahead += seconds

    async def wait(self, seconds: float) -> None:
        """Wait as `asyncio.sleep` does, in no time."""
        await asyncio.sleep(0)
        self.forward(seconds)
        # In the next turn of the loop due callbacks are queued, after this task; in the turn after that they have run.
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def reader_of(*chunks: bytes) -> Callable[[], Awaitable[bytes]]:
    """Return a function that reads these chunks."""
    remaining = iter((*chunks, b""))

    async def read() -> bytes:
        return next(remaining)

    return read


def make_body(*chunks: bytes, max_size: int = 1_000_000, content_length: int | None = None) -> Body:
    """Return a body that arrives in these chunks."""
    return Body(reader_of(*chunks), max_size=max_size, content_length=content_length)


def part(name: str, content: bytes = b"", *fields: str, filename: str | None = None) -> bytes:
    """Return a part of a multipart form, with additional header fields."""
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    return "\r\n".join((disposition, *fields)).encode() + b"\r\n\r\n" + content


def form(*parts: bytes) -> bytes:
    """Return the body of a multipart form of type `FORM_TYPE`."""
    return b"".join(b"--=-x-=\r\n" + each + b"\r\n" for each in parts) + b"--=-x-=--\r\n"


def form_request(*chunks: bytes, **settings: int) -> Request:
    """Return a POST request with a multipart form of `FORM_TYPE` that arrives in these chunks."""
    request = make_request("POST", headers=[("Content-Type", FORM_TYPE)], settings=HTTPSettings(**settings))
    request.body = Body(reader_of(*chunks), max_size=settings.get("max_body_size", 1 << 20))
    return request


def make_request(
    method: str = "GET",
    path: str = "/",
    *,
    query_string: bytes = b"",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    settings: HTTPSettings | None = None,
) -> Request:
    """Return a request with these parts; header names in any case."""
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return Request(
        method=method,
        scheme="http",
        path=path,
        raw_path=path.encode(),
        query_string=query_string,
        headers=Headers(raw),
        client=("192.0.2.1", 50000),
        read=reader_of(*([body] if body else [])),
        settings=settings,
    )


async def read(body: bytes | AsyncIterable[bytes]) -> bytes:
    """Return the whole body of a response."""
    return body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])


def sent_headers(response: Response) -> dict[bytes, bytes]:
    """Return the headers that are sent; every name at most once."""
    pairs = response.raw_headers()
    fields = dict(pairs)
    assert len(fields) == len(pairs), f"a field twice: {pairs}"
    return fields
