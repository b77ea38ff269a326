"""The application as ASGI servers call it: each type of scope, and unknown types."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, websocket
from tests.asgi.peers import WebsocketPeer, fetch


async def never() -> Any:
    raise AssertionError("nothing is to be received")


async def nowhere(message: Any) -> None:
    raise AssertionError("nothing is to be sent")


def make_app() -> App:
    app = App(__name__)
    app.route("/", name="request")(lambda: "request")

    @app.websocket("/", name="websocket")
    async def talk() -> None:
        await websocket.send("websocket")

    return app


async def test_requests_and_websockets_reach_their_routes() -> None:
    app = make_app()
    assert (await fetch(app)).text == "request"
    peer = WebsocketPeer(app)
    assert await peer.receive() == "websocket"
    assert await peer.closed() == (1000, "")


@pytest.mark.parametrize("kind", ["webtransport", "", "HTTP"])
async def test_an_unsupported_scope_type_is_an_error(kind: str) -> None:
    with pytest.raises(NotImplementedError, match="supported are http, websocket and lifespan"):
        await make_app()({"type": kind}, never, nowhere)


async def test_concurrent_connections_do_not_mix() -> None:
    app = App(__name__)

    @app.websocket("/<str:name>")
    async def talk(name: str) -> None:
        async for message in websocket:
            await asyncio.sleep(0)
            await websocket.send(f"{message!r} {name} {websocket.path}")

    peers = {name: WebsocketPeer(app, f"/{name}") for name in ("a", "b", "c")}
    for round_ in range(3):
        for peer in peers.values():
            peer.send(str(round_))
        for name, peer in peers.items():
            assert await peer.receive() == f"'{round_}' {name} /{name}"
    for peer in peers.values():
        peer.leave()
        await peer.ended()


@pytest.mark.parametrize(
    ("root", "path", "seen"),
    [
        ("/mounted", "/mounted/page", "/page"),
        ("/mounted/", "/mounted/page", "/page"),
        ("/mounted", "/mounted", "/"),
        ("/mounted", "/mountedpage", "/mountedpage"),
        ("", "/page", "/page"),
        ("/other", "/page", "/page"),
    ],
)
async def test_paths_are_relative_to_the_mount(root: str, path: str, seen: str) -> None:
    app = App(__name__)
    app.route("/<any:path>", name="request")(lambda path: f"/{path}")
    app.route("/", name="root")(lambda: "/")

    @app.websocket("/(<any:path>)?")
    async def talk(path: str | None) -> None:
        await websocket.send(websocket.path)

    assert (await fetch(app, path, root_path=root)).text == seen
    peer = WebsocketPeer(app, path, root_path=root)
    assert await peer.receive() == seen
    assert await peer.closed() == (1000, "")
