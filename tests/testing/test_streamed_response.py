from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from emmett import App, Response, redirect, response
from emmett.errors import ConfigurationError
from emmett.testing.faults import Faults


class Ticker:
    """An application with a stream that the test controls."""

    def __init__(self) -> None:
        self.app = App(__name__)
        self.ticks: asyncio.Queue[bytes] = asyncio.Queue()
        self.left = False

        @self.app.route()
        async def ticks() -> Response:
            response.cookies["seen"] = "1"
            return Response(self._ticks(), content_type="text/event-stream; charset=utf-8")

        @self.app.route()
        async def moved() -> None:
            redirect("/ticks", status=307)

    async def _ticks(self) -> AsyncIterator[bytes]:
        try:
            while tick := await self.ticks.get():
                yield tick
        finally:
            self.left = True


async def test_pieces_are_read_as_they_arrive() -> None:
    ticker = Ticker()
    async with ticker.app.test_client_async() as client, client.stream("GET", "/ticks") as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        assert (answer.cookies["seen"].value, client.cookies["seen"]) == ("1", "1")
        assert answer.context is client.context
        for tick in (b"one", b"two"):
            ticker.ticks.put_nowait(tick)
            assert await anext(answer) == tick
        ticker.ticks.put_nowait(b"three")
        ticker.ticks.put_nowait(b"")
        assert [chunk async for chunk in answer] == [b"three"]
        assert await answer.read() == b""


async def test_leaving_disconnects_and_the_stream_has_ended_by_then() -> None:
    ticker = Ticker()
    async with ticker.app.test_client_async() as client:
        async with client.stream("GET", "/ticks") as answer:
            ticker.ticks.put_nowait(b"one")
            assert await anext(answer) == b"one"
            assert not ticker.left
        assert ticker.left


async def test_leaving_by_an_error_disconnects_too() -> None:
    ticker = Ticker()
    async with ticker.app.test_client_async() as client:
        with pytest.raises(LookupError):
            async with client.stream("GET", "/ticks"):
                raise LookupError
        assert ticker.left


async def test_a_stream_left_open_ends_with_the_client() -> None:
    ticker = Ticker()
    async with ticker.app.test_client_async() as client:
        manager = client.stream("GET", "/ticks")
        await manager.__aenter__()
    assert ticker.left
    await manager.__aexit__(None, None, None)


@pytest.mark.parametrize("piece", [None, 1])
async def test_lines_are_read(piece: int | None) -> None:
    ticker = Ticker()
    faults = Faults(piece=piece)
    async with ticker.app.test_client_async(faults=faults) as client, client.stream("GET", "/ticks") as answer:
        lines = answer.lines()
        ticker.ticks.put_nowait("data: é".encode()[:-1])
        ticker.ticks.put_nowait("data: é".encode()[-1:] + b"\n\r\nlast")
        assert [await anext(lines), await anext(lines)] == ["data: é", ""]
        ticker.ticks.put_nowait(b"")
        assert [line async for line in lines] == ["last"]


async def test_the_rest_can_be_read_at_once() -> None:
    ticker = Ticker()
    for tick in (b"a", b"b", b""):
        ticker.ticks.put_nowait(tick)
    async with ticker.app.test_client_async() as client, client.stream("GET", "/ticks") as answer:
        assert await answer.read() == b"ab"


async def test_a_late_piece_is_an_error() -> None:
    ticker = Ticker()
    async with (
        ticker.app.test_client_async() as client,
        client.stream("GET", "/ticks", timeout=7) as answer,
    ):
        assert answer._timeout == 7
        # The timeout of this call, not the option, which would also apply to the response head.
        answer._timeout = 0.02
        expected = (
            r"^no more of the response to GET /ticks within 0\.02 s; "
            r"its head has arrived with status 200, and \d+ bytes$"
        )
        with pytest.raises(TimeoutError, match=expected):
            await anext(answer)
        answer._timeout = 7
        ticker.ticks.put_nowait(b"late")
        assert await anext(answer) == b"late"


async def test_a_redirect_is_followed() -> None:
    ticker = Ticker()
    ticker.ticks.put_nowait(b"")
    async with ticker.app.test_client_async() as client:
        async with client.stream("GET", "/moved", follow_redirects=True) as answer:
            assert (answer.status, answer.url, await answer.read()) == (200, "http://localhost/ticks", b"")
            assert [each.status for each in answer.history] == [307]
        async with client.stream("GET", "/moved") as answer:
            assert (answer.status, repr(answer)) == (307, "<StreamedResponse 307 of GET http://localhost/moved>")


async def test_an_invalid_timeout_is_refused() -> None:
    async with Ticker().app.test_client_async() as client:
        with pytest.raises(ConfigurationError):
            async with client.stream("GET", "/ticks", timeout=0):
                pass
