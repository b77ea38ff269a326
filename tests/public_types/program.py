"""A user's program without mistakes, in which type checkers find no errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, assert_type

from emmett import (
    App,
    AppModule,
    Channels,
    Pipe,
    Response,
    Websocket,
    WebsocketClosed,
    abort,
    redirect,
    request,
    session,
    url,
    websocket,
)
from emmett.channels import Position
from emmett.testing import TestClient
from emmett.typed import FromBody, FromQuery

app = App(__name__)
channels = Channels(app)
rooms = channels.namespace("room", history=100, presence=True)
admin: AppModule = app.module(__name__, "admin", url_prefix="admin")


class Timing(Pipe):
    async def open(self) -> None:
        assert_type(request.path, str)


@app.route("/hello/<str:name>", methods=["get", "head"])
async def hello(name: str) -> str:
    assert_type(request.method, str)
    assert_type(request.headers.get("accept"), str | None)
    return f"Hello, {name}!"


@app.route("/plain", pipeline=[Timing()])
def plain() -> dict[str, Any]:
    return {"visits": session.get("visits", 0), "next": url("hello", "you")}


@app.route("/download")
async def download() -> AsyncIterator[bytes]:
    async def parts() -> AsyncIterator[bytes]:
        yield b"part"

    return parts()


@admin.route("/old")
async def old() -> Response:
    if request.path == "/":
        abort(404)
    redirect(url("plain"), 303)


@app.route("/orders", methods="post")
async def order(counts: FromBody[list[int]], page: FromQuery[int] = 1) -> list[int]:
    assert_type(page, int)
    assert_type(counts, list[int])
    return [*counts, page]


@app.websocket("/echo", max_message_size=65_536, ping_interval=10)
async def echo() -> None:
    await websocket.accept(headers={"X-Room": "1"}, subprotocol="chat")
    message = await websocket.receive()
    assert_type(message, str | bytes)
    await websocket.send(message)
    assert_type(await websocket.receive_text(), str)
    assert_type(await websocket.receive_bytes(), bytes)
    assert_type(await websocket.receive_json(dict[str, int]), dict[str, int])
    async for each in websocket:
        assert_type(each, str | bytes)
        await websocket.send_json({"length": len(each)})
    await websocket.close(4000, "done")
    assert_type(websocket.close_code, int | None)


@app.websocket()
async def room() -> None:
    try:
        async with channels.subscribe("room:1", member="me") as subscription:
            async for publication in subscription:
                await websocket.send(publication.data)
    except WebsocketClosed as closed:
        assert_type(closed.code, int)
        raise


async def publish() -> None:
    assert_type(await channels.publish("room:1", "text"), Position | None)
    page = await channels.history("room:1", limit=10)
    assert_type(page.complete, bool)


def keep(handle: Websocket) -> bool:
    return handle.closed


def test_hello() -> None:
    with app.test_client() as client:
        assert_type(client, TestClient)
        assert_type(client.get("/hello/you").status, int)
        assert_type(client.get("/hello/you").text, str)
