from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, abort, redirect, websocket
from emmett.errors import EmmettError, UsageError
from emmett.testing.handshake import RefusedHandshake


def make_app() -> App:
    app = App(__name__)

    @app.websocket("/told/<str:name>")
    async def told(name: str) -> None:
        await websocket.send(
            " ".join(
                [
                    websocket.scheme,
                    websocket.host,
                    name,
                    str(websocket.query_params.a or "-"),
                    websocket.headers.get("x", "-"),
                ]
            )
        )

    @app.websocket()
    async def chat() -> None:
        chosen = "v2" if "v2" in websocket.subprotocols else None
        await websocket.accept(headers={"Set-Cookie": "seen=1", "X-Hello": "there"}, subprotocol=chosen)
        await websocket.receive()

    @app.websocket()
    async def closed_shop() -> None:
        abort(401, "log in first")

    @app.websocket()
    async def moved() -> None:
        redirect("/login")

    @app.websocket()
    async def silent() -> None:
        await asyncio.Event().wait()

    return app


async def test_the_handler_sees_the_handshake() -> None:
    async with make_app().test_client_async(headers={"X": "client"}) as client:
        async with client.websocket("/told/me?a=1", headers={"X": "given"}) as ws:
            assert await ws.receive() == "ws localhost me 1 given"
        async with client.websocket("wss://shop.example:8443/told/me") as ws:
            assert await ws.receive() == "wss shop.example:8443 me - client"
        async with client.websocket("/told/me", headers={"Host": "other.example"}) as ws:
            assert await ws.receive() == "ws other.example me - client"


async def test_the_response_to_the_handshake_can_be_read() -> None:
    async with make_app().test_client_async() as client:
        async with client.websocket("/chat", subprotocols=["v1", "v2"]) as ws:
            assert (ws.subprotocol, ws.headers["X-Hello"], client.cookies["seen"]) == ("v2", "there", "1")
        async with client.websocket("/chat", subprotocols=["v1"]) as ws:
            assert ws.subprotocol is None


async def test_subprotocols_are_a_list() -> None:
    async with make_app().test_client_async() as client:
        with pytest.raises(UsageError, match=r"subprotocols='v1': expected a list, \['v1'\]"):
            async with client.websocket("/chat", subprotocols="v1"):
                pass


@pytest.mark.parametrize(
    ("path", "options", "status", "body"),
    [
        ("/closed_shop", {}, 401, b"log in first"),
        ("/missing", {}, 404, None),
        ("/chat", {"origin": "https://evil.example"}, 403, None),
        ("/chat", {"headers": {"Sec-WebSocket-Version": "12"}}, 426, None),
    ],
)
async def test_a_refusal_is_an_error_with_the_response(
    path: str, options: dict[str, Any], status: int, body: bytes | None
) -> None:
    async with make_app().test_client_async() as client:
        with pytest.raises(RefusedHandshake) as caught:
            async with client.websocket(path, **options):
                pass
    error = caught.value
    assert (error.status, error.response.status) == (status, status)
    assert error.body == error.response.content
    assert body is None or error.body == body
    assert error.headers["content-length"] == str(len(error.body))
    assert str(error).startswith(f"the handshake of ws://localhost{path} was refused with {status}: ")
    assert isinstance(error, EmmettError)


async def test_a_redirect_is_a_refusal_with_a_location() -> None:
    async with make_app().test_client_async() as client:
        with pytest.raises(RefusedHandshake) as caught:
            async with client.websocket("/moved"):
                pass
    assert (caught.value.status, caught.value.headers["location"]) == (303, "/login")


async def test_the_origin_of_a_page_can_be_sent() -> None:
    async with (
        make_app().test_client_async() as client,
        client.websocket("/told/me", origin="http://localhost") as ws,
    ):
        assert await ws.receive() == "ws localhost me - -"


async def test_a_missing_response_is_an_error() -> None:
    app = make_app()
    app.config.server.shutdown_timeout = 0.01
    async with app.test_client_async() as client:
        with pytest.raises(
            TimeoutError, match=r"^no answer to the handshake of http://localhost/silent within 0\.02 s$"
        ):
            async with client.websocket("/silent", timeout=0.02):
                pass


async def test_compression_can_be_negotiated() -> None:
    app = make_app()
    app.config.websocket.compression = "deflate"
    async with app.test_client_async() as client:
        async with client.websocket("/told/" + "x" * 2000, compression=True) as ws:
            assert "permessage-deflate" in ws.headers["sec-websocket-extensions"]
            assert len(await ws.receive()) > 2000
        async with client.websocket("/told/me") as ws:
            assert "sec-websocket-extensions" not in ws.headers
