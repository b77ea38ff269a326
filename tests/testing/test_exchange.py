from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from emmett import App, Response, abort, request
from emmett.testing.faults import Faults


def make_app() -> App:
    app = App(__name__)
    app.config.http.max_body_size = 1000

    @app.route(methods="post")
    async def size() -> str:
        return str(len(await request.body))

    @app.route(methods="post")
    async def chunks() -> str:
        return "|".join([chunk.decode() async for chunk in request.body])

    @app.route(methods="post")
    async def early() -> None:
        abort(401)

    @app.route()
    async def cut() -> Response:
        async def body() -> AsyncIterator[bytes]:
            yield b"half"
            raise LookupError("the other half")

        return Response(body())

    return app


async def letters(*letters: str | bytes) -> AsyncIterator[str | bytes]:
    for letter in letters:
        yield letter


async def test_a_body_can_be_sent_in_chunks() -> None:
    async with make_app().test_client_async() as client:
        answer = await client.post("/chunks", content=letters("a", b"b", "", "é"))
        assert answer.text.replace("|", "") == "abé"


async def test_a_body_of_known_length_can_be_sent_in_pieces() -> None:
    async with make_app().test_client_async() as client:
        answer = await client.post("/size", content=letters("ab", "c"), headers={"Content-Length": "3"})
        assert answer.text == "3"
        assert client.context.request.headers["content-length"] == "3"


async def test_the_application_reads_while_the_client_still_sends() -> None:
    app = make_app()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    @app.route(methods="post")
    async def live() -> str:
        async for chunk in request.body:
            arrived.put_nowait(chunk)
        return "done"

    async def content() -> AsyncIterator[bytes]:
        for letter in (b"a", b"b", b"c"):
            yield letter
            assert await arrived.get() == letter

    async with app.test_client_async() as client:
        assert (await client.post("/live", content=content())).text == "done"


async def test_with_expect_the_body_waits_for_the_server() -> None:
    expecting = {"Expect": "100-continue"}
    async with make_app().test_client_async() as client:
        assert (await client.post("/size", content=b"abc", headers=expecting)).text == "3"
        assert (await client.post("/size", content=letters("ab"), headers=expecting)).text == "2"


async def test_an_unrequested_body_is_not_sent() -> None:
    asked = []

    async def content() -> AsyncIterator[bytes]:
        asked.append("asked")
        yield b"x"

    async with make_app().test_client_async() as client:
        answer = await client.post("/early", content=content(), headers={"Expect": "100-continue"})
    assert (answer.status, asked) == (401, [])


async def test_an_early_response_ends_an_endless_body() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 100
                await asyncio.sleep(0)
        finally:
            closed.set()

    async with make_app().test_client_async() as client:
        assert (await client.post("/early", content=endless())).status == 401
        assert closed.is_set()
        assert (await client.post("/size", content=endless())).status == 413


async def test_a_failing_iterable_is_raised() -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"x"
        raise LookupError("no more")

    async with make_app().test_client_async() as client:
        with pytest.raises(LookupError, match="no more"):
            await client.post("/size", content=content())
        assert (await client.post("/size", content=b"abc")).text == "3"


async def test_a_truncated_response_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async with make_app().test_client_async() as client:
        with pytest.raises(ConnectionResetError, match="the server closed the connection after 4 bytes of the body"):
            await client.get("/cut")
    assert "the other half" in caplog.text


async def test_cancelling_a_request_closes_the_connection() -> None:
    app = make_app()
    arrived, left = asyncio.Event(), asyncio.Event()

    @app.route(methods="post")
    async def upload() -> str:
        arrived.set()
        try:
            async for _ in request.body:
                pass
        finally:
            left.set()
        return "never"

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async with app.test_client_async() as client:
        task = asyncio.create_task(client.post("/upload", content=slow()))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await left.wait()


@pytest.mark.parametrize("piece", [1, 7])
async def test_a_response_may_arrive_in_small_pieces(piece: int) -> None:
    async with make_app().test_client_async(faults=Faults(piece=piece)) as client:
        assert (await client.post("/size", content=b"x" * 300)).text == "300"
        assert (await client.post("/chunks", content=letters("a", "b"))).text.replace("|", "") == "ab"
