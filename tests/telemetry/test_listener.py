from __future__ import annotations

import asyncio

import pytest

from emmett.telemetry.listener import MAX_SCRAPES, ScrapeListener


async def ask(listener: ScrapeListener, head: bytes) -> bytes:
    assert listener.address is not None
    reader, writer = await asyncio.open_connection(*listener.address)
    writer.write(head)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def make(port: int = 0) -> ScrapeListener:
    async def text() -> str:
        return "metric 1\n"

    listener = ScrapeListener("127.0.0.1", port, text)
    await listener.start()
    return listener


async def test_a_scrape_is_answered() -> None:
    listener = await make()
    head, _, body = (await ask(listener, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4")
    assert body == b"metric 1\n"
    assert (await ask(listener, b"POST / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 405 ")
    assert await ask(listener, b"x" * 100_000) == b""
    await listener.stop()
    assert listener.address is None
    await listener.stop()


async def test_concurrent_scrapes_are_limited_and_a_stop_ends_them() -> None:
    listener = await make()
    assert listener.address is not None
    waiting = [await asyncio.open_connection(*listener.address) for _ in range(MAX_SCRAPES)]
    assert await ask(listener, b"") == b""
    await listener.stop()
    for reader, writer in waiting:
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_a_port_in_use_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    other = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    listener = await make(other.sockets[0].getsockname()[1])
    assert listener.address is None
    assert "cannot offer measurements on port" in caplog.text
    other.close()
    await other.wait_closed()
