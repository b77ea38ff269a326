"""The default server behind real proxies, with the configurations that docs/deployment.md shows."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Origin

from emmett import App, Response, stream
from tests.integration.http2_client import connect_over_http2
from tests.integration.proxies import ORIGIN, Proxy, run_proxy
from tests.integration.proxy_recipes import IDLE, NAME, RECIPES, with_tools
from tests.integration.servers import run_emmett
from tests.integration.visitors import visitor_app

# stunnel alone does not change HTTP, so it belongs to the recipe of Varnish.
every_proxy = pytest.mark.parametrize("name", [with_tools(name) for name in RECIPES if name != "stunnel"])
every_http2_proxy = pytest.mark.parametrize(
    "name",
    [with_tools(name) for name in ("haproxy", "apache2", "lighttpd", "nghttpx")],
)

FORGED = {
    "X-Forwarded-For": "6.6.6.6, 127.0.0.1",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "81",
    "Forwarded": "for=6.6.6.6;proto=http;host=evil.example",
}
VISITOR = ("127.0.0.2", 0)  # On Linux all of 127.0.0.0/8 is local; the proxy itself connects from 127.0.0.1
PINGS_A_SECOND = 2


class PingCounter(ClientConnection):
    """A client that counts the Pings that it gets."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.pings: asyncio.Queue[None] = asyncio.Queue()

    def process_event(self, event: Any) -> None:
        if isinstance(event, Frame) and event.opcode is Opcode.PING:
            self.pings.put_nowait(None)
        super().process_event(event)


def make_app(name: str, trusted: str = "127.0.0.1") -> App:
    return visitor_app(trusted, headers=RECIPES[name].headers)


@contextlib.asynccontextmanager
async def run_behind(name: str, folder: Path, app: App | None = None) -> AsyncIterator[Proxy]:
    """Run an application behind a proxy."""
    async with (
        run_emmett(app or make_app(name)) as running,
        run_proxy(name, f"127.0.0.1:{running.port}", folder) as proxy,
    ):
        yield proxy


@every_proxy
@pytest.mark.parametrize("fields", [{}, FORGED], ids=["plain", "forged"])
async def test_the_application_sees_the_visitor(name: str, fields: dict[str, str], tmp_path: Path) -> None:
    async with run_behind(name, tmp_path) as proxy:
        async with proxy.http(VISITOR[0], **fields) as client:
            for _ in range(2):
                answer = (await client.get("/visitor")).json()
                assert answer == {"client": [*VISITOR], "scheme": "https", "host": NAME}
        async with proxy.websocket("/visitor", additional_headers=fields, local_addr=VISITOR) as websocket:
            assert json.loads(await websocket.recv()) == {"client": [*VISITOR], "scheme": "wss", "host": NAME}


@every_proxy
async def test_messages_of_all_sizes_pass(name: str, tmp_path: Path) -> None:
    async with run_behind(name, tmp_path) as proxy:
        for compression in (None, "deflate"):
            async with proxy.websocket("/echo", compression=compression) as client:
                for size in (0, 1, 125, 126, 65535, 65536, 1024 * 1024):
                    await client.send("x" * size)
                    assert await client.recv() == "x" * size
                    await client.send(bytes(size))
                    assert await client.recv() == bytes(size)
                await (await client.ping())


@every_proxy
async def test_close_codes_pass_in_both_directions(name: str, tmp_path: Path) -> None:
    async with run_behind(name, tmp_path) as proxy:
        for code in (1000, 1011, 3000, 4999):
            async with proxy.websocket(f"/leave/{code}") as client:
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert (client.close_code, client.close_reason) == (code, "as you wish")
        async with proxy.websocket("/echo") as client:
            await client.close(4001, "enough")
            assert client.close_code == 4001
        async with proxy.websocket("/echo", compression=None) as client:
            await client.send(bytes(1024 * 1024 + 1))
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1009


@every_proxy
async def test_pings_keep_a_quiet_websocket_open(name: str, tmp_path: Path) -> None:
    app = make_app(name)
    app.config.websocket.ping_interval = 1 / PINGS_A_SECOND
    async with (
        run_behind(name, tmp_path, app) as proxy,
        proxy.websocket("/echo", create_connection=PingCounter, ping_interval=None) as client,
    ):
        assert isinstance(client, PingCounter)
        for _ in range((IDLE + 1) * PINGS_A_SECOND):
            await client.pings.get()
        await client.send("Hello")
        assert await client.recv() == "Hello"


@every_proxy
async def test_events_are_not_held_back(name: str, tmp_path: Path) -> None:
    app = make_app(name)
    released = asyncio.Event()

    @app.route("/events")
    async def events() -> Response:
        async def numbers() -> AsyncIterator[int]:
            yield 1
            await released.wait()
            yield 2

        return stream.sse(numbers())

    async with run_behind(name, tmp_path, app) as proxy, proxy.http() as client:
        async with client.stream("GET", "/events", headers={"Accept-Encoding": "gzip"}) as response:
            lines = response.aiter_lines()
            async for line in lines:
                if line == "data: 1":
                    released.set()
                elif line == "data: 2":
                    break
        assert released.is_set()


@every_proxy
async def test_only_pages_of_the_site_may_connect(name: str, tmp_path: Path) -> None:
    async with run_behind(name, tmp_path) as proxy:
        async with proxy.websocket("/echo", origin=ORIGIN):
            pass
        for origin in (f"http://{NAME}", "https://evil.example", f"https://{NAME}:8443"):
            with pytest.raises(InvalidStatus) as refused:
                await proxy.websocket("/echo", origin=Origin(origin))
            assert refused.value.response.status_code == 403


@every_http2_proxy
async def test_websockets_over_http2_work(name: str, tmp_path: Path) -> None:
    async with run_behind(name, tmp_path) as proxy:
        fields = [(field.lower(), value) for field, value in FORGED.items()]
        origin = ("origin", str(ORIGIN))
        address = (proxy.port, proxy.tls, NAME)
        # The client speaks first, because Apache holds back data that arrives together with the 101.
        async with connect_over_http2(*address, "/asked", origin, *fields, source=VISITOR[0]) as client:
            assert client.status == 200
            await client.send("visitor")
            assert json.loads(await client.receive()) == {"client": [*VISITOR], "scheme": "wss", "host": NAME}
        async with connect_over_http2(*address, "/echo", origin) as client:
            for size in (0, 1, 126, 65536, 1024 * 1024):
                await client.send("x" * size)
                assert await client.receive() == "x" * size
                await client.send(bytes(size))
                assert await client.receive() == bytes(size)
        async with connect_over_http2(*address, "/asked", origin) as client:
            await client.send("leave")
            assert await client.closed() == (4999, "as you wish")
        async with connect_over_http2(*address, "/echo", ("origin", "https://evil.example")) as client:
            assert client.status == 403
