"""Requests and bodies for the tests of this folder, as an adapter would make them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable

from emmett.datastructures import Headers
from emmett.http import Body, Request, Response


def make_body(*chunks: bytes, max_size: int = 1_000_000, content_length: int | None = None) -> Body:
    """A body that arrives in these chunks."""
    remaining = iter((*chunks, b""))

    async def read() -> bytes:
        return next(remaining)

    return Body(read, max_size=max_size, content_length=content_length)


def make_request(
    method: str = "GET",
    path: str = "/",
    *,
    query_string: bytes = b"",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    max_fields: int = 1000,
) -> Request:
    """A request with these parts; header names in any case."""
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return Request(
        method=method,
        scheme="http",
        path=path,
        raw_path=path.encode(),
        query_string=query_string,
        headers=Headers(raw),
        client=("192.0.2.1", 50000),
        body=make_body(*([body] if body else [])),
        max_fields=max_fields,
    )


async def read(body: bytes | AsyncIterable[bytes]) -> bytes:
    """The whole of a response body."""
    return body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])


def sent_headers(response: Response) -> dict[bytes, bytes]:
    """The headers that go out; every name at most once."""
    pairs = response.raw_headers()
    fields = dict(pairs)
    assert len(fields) == len(pairs), f"a field twice: {pairs}"
    return fields
