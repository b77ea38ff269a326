"""The guide for users of FastAPI: both sides of each example give the same answers, except for documented cases."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from pydantic import BaseModel
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from tests.docs.guides import SIDES, hear, loaded, our_program, serve_asgi, serve_ours, their_files

GUIDE = "docs/from_fastapi.md"
ELSEWHERE = Origin("https://elsewhere.example")
Serve = Callable[[str, str, Path], AbstractAsyncContextManager[str]]


@SIDES
async def test_a_websocket_behaves_alike(serve: Serve, tmp_path: Path) -> None:
    async with serve(GUIDE, "A websocket", tmp_path) as address:
        for query, color in (("?color=blue", "blue"), ("", "red")):
            async with connect(f"ws://{address}/items/7{query}") as client:
                await client.send("Hello")
                assert await client.recv() == f"7 {color} Hello"


@SIDES
async def test_typed_messages_behave_alike(serve: Serve, tmp_path: Path) -> None:
    async with serve(GUIDE, "Messages with a type", tmp_path) as address, connect(f"ws://{address}/game") as client:
        await client.send('{"x": 3, "y": -4}')
        assert json.loads(await client.recv()) == {"distance": 7}
        await client.send('{"x": "left"}')
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1007


@SIDES
async def test_rooms_behave_alike(serve: Serve, tmp_path: Path) -> None:
    async with serve(GUIDE, "Rooms", tmp_path) as address:
        room = f"ws://{address}/rooms/tea"
        async with connect(room) as ada, connect(room) as bob, connect(f"ws://{address}/rooms/other") as other:
            for client, text in ((ada, "first"), (bob, "second"), (other, "elsewhere")):
                # The echo shows that the member has joined.
                await client.send(text)
                await hear(client, text)
            await bob.send("third")
            assert "elsewhere" not in await hear(ada, "third")


@SIDES
async def test_permissions_to_connect_behave_alike(serve: Serve, tmp_path: Path) -> None:
    async with serve(GUIDE, "Who may connect", tmp_path) as address:
        for headers in ({}, {"Cookie": "token=guessed"}):
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://{address}/inbox", additional_headers=headers)
            assert refused.value.response.status_code == 403
        async with connect(f"ws://{address}/inbox", additional_headers={"Cookie": "token=e7c1b6"}) as client:
            assert await client.recv() == "Hello, ada"


@SIDES
async def test_middleware_and_pipes_behave_alike(serve: Serve, tmp_path: Path) -> None:
    async with serve(GUIDE, "Middleware", tmp_path) as address:
        async with httpx.AsyncClient(verify=False) as client:
            response = await client.get(f"http://{address}/hello")
        assert (response.json(), response.headers["x-server"]) == ({"hello": "world"}, "ours")
        async with connect(f"ws://{address}/echo") as socket:
            await socket.send("hello")
            assert await socket.recv() == "HELLO"


@SIDES
async def test_background_work_behaves_alike(serve: Serve, tmp_path: Path) -> None:
    async with (
        serve(GUIDE, "Start, stop and work beside requests", tmp_path) as address,
        httpx.AsyncClient(verify=False) as client,
    ):
        counts = {"started": 0, "ticks": 0}
        while counts["ticks"] < 2:
            counts = (await client.get(f"http://{address}/counts")).json()
        assert counts["started"] == 1


@SIDES
async def test_groups_of_routes_behave_alike(serve: Serve, tmp_path: Path) -> None:
    async with serve(GUIDE, "Groups of routes", tmp_path) as address:
        async with httpx.AsyncClient(verify=False) as client:
            assert (await client.get(f"http://{address}/shop/price/tea?count=2")).json() == {"tea": 500}
            assert (await client.get(f"http://{address}/shop/price/tea?count=two")).status_code == 422
        async with connect(f"ws://{address}/shop/news") as socket:
            assert await socket.recv() == "tea has arrived"


# Starlette's test client warns about httpx, and prefers its successor.
@pytest.mark.filterwarnings("ignore:Using `httpx`")
def test_the_tests_of_the_guide_pass(tmp_path: Path) -> None:
    for files in (their_files(GUIDE, "Tests"), our_program(GUIDE, "Tests").files):
        (name,) = files
        with loaded(files, name.removesuffix(".py"), tmp_path) as module:
            module.test_echo()


class Body(BaseModel):
    text: str


def make_fastapi() -> FastAPI:
    """Return an application whose handlers show the differences in the table."""
    app = FastAPI()

    @app.websocket("/texts")
    async def texts(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.receive_text()

    @app.websocket("/raises")
    async def raises(socket: WebSocket) -> None:
        await socket.accept()
        raise ValueError("on purpose")

    @app.post("/body")
    async def body(body: Body) -> str:
        return body.text

    return app


async def test_fastapi_differs_as_documented(caplog: pytest.LogCaptureFixture) -> None:
    async with serve_asgi(make_fastapi()) as address:
        caplog.set_level(logging.ERROR, "uvicorn.error")
        async with connect(f"ws://{address}/texts", origin=ELSEWHERE) as client:
            await client.close()
        while "WebSocketDisconnect" not in caplog.text:  # noqa: ASYNC110 - the log does not announce new records
            await asyncio.sleep(0)
        async with connect(f"ws://{address}/texts") as client:
            await client.send(b"binary")
            with pytest.raises(ConnectionClosed):
                await client.recv()
        assert "KeyError" in caplog.text
        async with connect(f"ws://{address}/raises") as client:
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1006
        async with httpx.AsyncClient(verify=False) as client_of_http:
            response = await client_of_http.post(
                f"http://{address}/body", content='{"text": "a"}', headers={"Content-Type": "text/plain"}
            )
        assert response.status_code == 422


async def test_emmett_differs_as_documented(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with serve_ours(GUIDE, "A websocket", tmp_path) as address:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://{address}/items/7", origin=ELSEWHERE)
        assert refused.value.response.status_code == 403
        async with connect(f"ws://{address}/items/7") as client:
            await client.close()
    assert "Traceback" not in caplog.text
