"""Probes of a proxy's behaviour: what it passes on, holds back and notices."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from emmett import App, Response, WebsocketClosed, request, stream, websocket
from tests.integration.http2_client import offers_websockets
from tests.integration.proxies import Proxy, run_proxy
from tests.integration.proxy_recipes import RECIPES
from tests.integration.servers import run_emmett
from tests.integration.visitors import FORWARDED_FIELDS, visitor_app

# A value that no proxy writes itself, for each field.
FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Port": "81",
    "Forwarded": "for=6.6.6.6",
}
SOURCE = "127.0.0.2"
# The number of requests that a proxy answers while it holds back something: more than it passes on at once.
ROUND_TRIPS = 20
FOREVER = 3600
PART = 256 * 1024


def _run_proxy(
    name: str, port: int, folder: Path, *, bare: bool = False, idle: int | None = FOREVER
) -> AbstractAsyncContextManager[Proxy]:
    folder.mkdir()
    # The document uses stunnel only in front of Varnish, to which stunnel passes the addresses.
    return run_proxy(name, f"127.0.0.1:{port}", folder, bare=bare or name == "stunnel", idle=idle)


@contextlib.asynccontextmanager
async def _behind(
    name: str, folder: Path, app: App, *, bare: bool = False, idle: int | None = FOREVER
) -> AsyncIterator[Proxy]:
    async with run_emmett(app) as running, _run_proxy(name, running.port, folder, bare=bare, idle=idle) as proxy:
        yield proxy


def _app(name: str) -> App:
    """Return an application that trusts the proxy and sends no Pings."""
    app = visitor_app("127.0.0.1", headers=RECIPES[name].headers)
    app.config.websocket.ping_interval = None
    return app


async def passed_fields(name: str, folder: Path, *, bare: bool) -> set[str]:
    """Return the fields in which the application sees a value from a visitor; of lists, only the right end counts.

    Arguments:
        name: the name of the proxy.
        folder: the folder that it runs in.
        bare: whether to omit the parts of its recipe that concern these fields.
    """
    passed = set()
    async with _behind(name, folder, _app(name), bare=bare) as proxy:
        async with proxy.http(SOURCE, **FORGED) as client:
            seen: dict[str, list[str]] = (await client.get("/fields")).raise_for_status().json()
        for field in FORWARDED_FIELDS:
            if FORGED[field] in ",".join(seen[field]).rpartition(",")[2]:
                passed.add(field)
    return passed


async def takes_websockets_over_http2(name: str, folder: Path) -> bool:
    """Tell whether a browser may open websockets over HTTP/2 (RFC 8441)."""
    async with _behind(name, folder, _app(name)) as proxy:
        return await offers_websockets(proxy.port, proxy.tls)


async def holds_back_responses(name: str, folder: Path) -> bool:
    """Tell whether the first part of a response waits for the rest."""
    app = _app(name)
    ended = asyncio.Event()

    @app.route("/parts")
    async def parts() -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first"
            await ended.wait()
            yield b"last"

        return stream(chunks(), content_type="text/plain")

    async def first_part(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/parts") as response:
            async for _ in response.aiter_raw():
                return

    async with _behind(name, folder, app) as proxy, proxy.http() as client:
        arriving = asyncio.create_task(first_part(client))
        await _overtake(proxy, arriving)
        held = not arriving.done()
        ended.set()
        await arriving
    return held


async def holds_back_requests(name: str, folder: Path) -> bool:
    """Tell whether the first part of a body waits for the rest."""
    app = _app(name)
    arrived = asyncio.Event()
    ended = asyncio.Event()

    @app.route("/body", methods=["post"])
    async def body() -> str:
        async for _ in request.body:
            arrived.set()
        return "thanks"

    async def parts() -> AsyncIterator[bytes]:
        yield bytes(PART)
        await ended.wait()
        yield bytes(PART)

    async with _behind(name, folder, app) as proxy, proxy.http() as client:
        sending = asyncio.create_task(client.post("/body", content=parts(), headers={"Content-Length": str(2 * PART)}))
        waiting = asyncio.create_task(arrived.wait())
        await _overtake(proxy, waiting)
        held = not waiting.done()
        ended.set()
        await waiting
        (await sending).raise_for_status()
    return held


async def _overtake(proxy: Proxy, event: asyncio.Task[object]) -> None:
    """Send requests until something has happened, or was overtaken by all of them."""
    async with proxy.http() as client:
        for _ in range(ROUND_TRIPS):
            if event.done():
                return
            (await client.get("/visitor")).raise_for_status()


async def ends_quiet_websockets(name: str, folder: Path) -> None:
    """Wait until the proxy ends a websocket on which nothing is sent."""
    app = _app(name)
    async with (
        _behind(name, folder, app, idle=1) as proxy,
        proxy.websocket("/echo", ping_interval=None, origin=None) as client,
    ):
        with contextlib.suppress(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1006


async def passes_on_departure_of_visitor(name: str, folder: Path) -> None:
    """Let a visitor hang up without a Close frame, and wait until the application knows."""
    app = _app(name)
    code = asyncio.get_running_loop().create_future()

    @app.websocket("/wait")
    async def wait() -> None:
        await websocket.send("go")
        try:
            await websocket.receive()
        except WebsocketClosed as closed:
            code.set_result(closed.code)

    async with _behind(name, folder, app) as proxy, proxy.websocket("/wait", ping_interval=None, origin=None) as client:
        await client.recv()
        client.transport.abort()
        assert await code == 1006


async def passes_on_departure_of_server(name: str, folder: Path) -> None:
    """Let a server hang up without a Close frame, and wait until the visitor knows."""

    async def drop(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.abort()

    async with serve(drop, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with (
            _run_proxy(name, port, folder) as proxy,
            proxy.websocket("/", ping_interval=None, origin=None) as client,
        ):
            await client.send("go")
            with contextlib.suppress(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1006
