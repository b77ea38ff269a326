"""npm centrifuge on Node.js with differences, filters of tags and numbered channels, in both encodings."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from emmett import App, Channels
from emmett.centrifuge import Centrifuge, Client
from tests.integration.servers import run_emmett
from tests.tools import tool

NODE = Path(__file__).parent / "node"


def make_app() -> App:
    app = App(__name__)
    channels = Channels(app)
    channels.namespace("board", history=100, delta="fossil", may_subscribe=lambda _: True)
    channels.namespace("price", history=100, may_subscribe=lambda _: True)
    calls = app.calls("/api")
    centrifuge = Centrifuge(app, channels, calls=calls, fallbacks="/connection")

    async def publish_all(first: int, end: int) -> None:
        for number in range(first, end):
            content = {"items": [{"name": f"äöü {each} 😀", "price": each} for each in range(50)], "number": number}
            await centrifuge.server.publish("board:1", content)
            ticker = "ETH" if number % 2 else "BTC"
            await centrifuge.server.publish("price:all", {"number": number}, tags={"ticker": ticker})

    @calls.method()
    async def publish(first: int, end: int) -> None:
        await publish_all(first, end)

    async def part(client: Client) -> None:
        await client.disconnect(3011, "force reconnect")
        await publish_all(20, 30)

    @calls.method()
    async def leave() -> None:
        channels.running().hub.tasks.spawn(part(centrifuge.client))

    return app


@pytest.mark.needs("centrifuge")
@pytest.mark.parametrize(
    ("encoding", "transport"),
    [("json", "websocket"), ("json", "sse"), ("protobuf", "websocket"), ("protobuf", "http_stream")],
)
async def test_every_number_arrives_once_and_in_order(encoding: str, transport: str) -> None:
    async with run_emmett(make_app()) as running:
        process = await asyncio.create_subprocess_exec(
            *(tool("centrifuge"), "centrifuge_options.mjs", str(running.port), encoding, transport),
            cwd=NODE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found = json.loads(output)
    assert found.pop("ratio") > 2
    # The first publication comes whole, and so do recovered ones and the first one after them.
    assert found.pop("numDeltaPayloads") >= 19 + 9
    assert found == {
        "board": list(range(40)),
        "price": list(range(0, 40, 2)),
        # With the package `long`, the SDK would not find subscriptions by their numbers.
        "numbered": [encoding == "json"] * 3,
        "transports": [transport],
        "recovered": [True, True],
        "numPublications": 40,
    }
