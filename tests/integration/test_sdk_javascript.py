"""npm centrifuge on Node.js: the websocket and both fallbacks, with a reconnect in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from emmett import App, Channels
from emmett.centrifuge import Centrifuge, Client
from tests.integration.servers import run_emmett
from tests.tools import tool

NODE = Path(__file__).parent / "node"


def make_app() -> App:
    app = App(__name__)
    channels = Channels(app)
    channels.namespace(
        "room",
        history=100,
        presence=True,
        join_leave=True,
        may_subscribe=lambda _: True,
        may_publish=lambda *_: True,
    )
    calls = app.calls("/api")
    centrifuge = Centrifuge(app, channels, calls=calls, fallbacks="/connection")

    @calls.method()
    async def add(a: int, b: int) -> int:
        return a + b

    async def part(client: Client) -> None:
        await client.disconnect(3011, "force reconnect")
        for number in range(10, 20):
            await channels.publish("room:1", number, check=False)

    @calls.method()
    async def leave() -> None:
        # The call itself ends with the connection.
        channels.running().hub.tasks.spawn(part(centrifuge.client))

    go = asyncio.Event()

    @calls.method()
    async def count() -> AsyncIterator[int]:
        for number in range(20):
            if number == 10:
                await go.wait()
                await centrifuge.client.disconnect(3011, "force reconnect")
            yield number

    @calls.event()
    async def part_of_it_is_here() -> None:
        go.set()

    return app


async def run_program(name: str, *arguments: str) -> Any:
    """Run a program on Node.js with the application, and return its output."""
    async with run_emmett(make_app()) as running:
        process = await asyncio.create_subprocess_exec(
            *(tool("centrifuge"), name, str(running.port), *arguments),
            cwd=NODE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return json.loads(output)


@pytest.mark.needs("centrifuge")
@pytest.mark.parametrize("transport", ["websocket", "http_stream", "sse"])
async def test_every_number_arrives_once_and_in_order(transport: str) -> None:
    assert await run_program("centrifuge.mjs", transport) == {
        "seen": list(range(20)),
        "connected": [transport, transport],
        "presence": 1,
        "sum": 3,
        "recovered": True,
        "history": 20,
        "refused": 104,
    }


@pytest.mark.needs("centrifuge")
async def test_a_stream_is_resumed_by_the_sdk() -> None:
    items = [*({"item": number} for number in range(20)), {"end": True}]
    assert await run_program("centrifuge_stream.mjs") == {"connected": 2, "recovered": [True, True], "items": items}


@pytest.mark.parametrize("kind", ["http_stream", "sse"])
async def test_a_server_that_stops_ends_streams_with_a_push(kind: str) -> None:
    connect = '{"id":1,"connect":{}}'
    head = f"Host: 127.0.0.1\r\nContent-Length: {len(connect)}\r\n\r\n{connect}"
    start = "POST /connection/http_stream" if kind == "http_stream" else f"GET /connection/sse?cf_connect={connect}"
    async with run_emmett(make_app()) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(f"{start} HTTP/1.1\r\n{head}".encode())
        await reader.readuntil(b'"connect"')
        assert running.server is not None
        running.server.should_exit = True
        # Otherwise the stream would last until `shutdown_timeout`, which is 30 s.
        async with asyncio.timeout(10):
            seen = await reader.read()
        ending = {"code": 3001, "reason": "shutdown", "reconnect": True}
        assert json.dumps({"push": {"disconnect": ending}}, separators=(",", ":")).encode() in seen
        # The response is complete, not cut off.
        assert seen.endswith(b"\r\n0\r\n\r\n")
        writer.close()
