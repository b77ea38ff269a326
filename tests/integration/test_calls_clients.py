"""Calls from other clients: three from npm, one from PyPI, and the WebSocket of Chromium."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator

import aiohttp
import pytest
from jsonrpc_base.jsonrpc import ProtocolError  # type: ignore[import-untyped]
from jsonrpc_websocket import Server  # type: ignore[import-untyped]
from playwright.sync_api import Browser

from tests.integration.example_pages import ExampleServer
from tests.tools import NODE_FOLDER, tool

DEADLINE = 20.0


@pytest.fixture(scope="module")
def server() -> Iterator[ExampleServer]:
    running = ExampleServer("methods", path="tests/integration/calls_app.py")
    yield running
    assert running.stop() == 0
    # The log record of the failing method, once for each client that calls it.
    assert running.output.count("Traceback") == running.output.count("no business of the client") // 2
    assert "Task exception" not in running.output


@pytest.mark.needs("jsonrpc")
@pytest.mark.parametrize("client", ["vscode", "rpc_websockets", "json_rpc_2"])
def test_clients_from_npm_can_call(server: ExampleServer, client: str) -> None:
    command = [tool("jsonrpc"), f"calls_{client}.mjs", str(server.port)]
    done = subprocess.run(command, cwd=NODE_FOLDER, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == "all as expected"


async def test_jsonrpc_websocket_from_pypi_can_call(server: ExampleServer) -> None:
    events: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    async with aiohttp.ClientSession() as session:
        client = Server(f"ws://127.0.0.1:{server.port}/api", session=session)
        client.added = lambda name, count: events.put_nowait((name, count))
        client.double = lambda number: 2 * number
        await client.ws_connect()
        assert await client.add(1, 2) == 3
        assert await client.add(a=1, b=2) == 3
        assert await client.nothing() is None
        assert await asyncio.gather(*(client.add(number, 1) for number in range(50))) == list(range(1, 51))
        with pytest.raises(ProtocolError) as raised:
            await client.refuse(17)
        assert raised.value.args[:2] == (17, "no seats left")
        await client.added("ada", 2, _notification=True)
        assert await events.get() == ("ada", 2)
        assert await client.ask(number=21) == 42
        await client.close()


PAGE = """
async () => {
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/api");
  const open = new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  const waiting = new Map();
  const items = [];
  const events = [];
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.method === "$/progress") items.push(message.params.value);
    else if (message.method) events.push([message.method, message.params]);
    else waiting.get(message.id)(message.result ?? message.error ?? null);
  });
  let last = 0;
  const send = (message) => socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  const call = (method, params) => new Promise((resolve) => {
    waiting.set(++last, resolve);
    send({ id: last, method, params });
  });
  await open;
  const sums = await Promise.all([call("add", [1, 2]), call("add", { a: 3, b: 4 })]);
  const error = await call("refuse", [17]);
  const end = await call("count", { to: 3 });
  const tick = call("tick", { name: "chromium" });
  send({ method: "$/cancelRequest", params: { id: last } });
  const cancelled = await tick;
  send({ method: "added", params: { name: "ada", count: 2 } });
  const left = await call("what_was_cancelled");
  const bytes = new TextEncoder().encode('{"jsonrpc":"2.0","id":"binary","method":"add","params":[5]}');
  const binary = new Promise((resolve) => waiting.set("binary", resolve));
  socket.send(bytes);
  return {
    sums, error, end, items: items.slice(0, 3), cancelled: cancelled.code, events, left: left.includes("chromium"),
    binary: await binary,
  };
}
"""


@pytest.mark.needs("chromium")
def test_the_websocket_of_chromium_can_call(server: ExampleServer, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(server.url)
    assert page.evaluate(PAGE) == {
        "sums": [3, 7],
        "error": {"code": 17, "message": "no seats left", "data": {"wait": 5}},
        "end": None,
        "items": [0, 1, 2],
        "cancelled": -32800,
        "events": [["added", {"name": "ada", "count": 2}]],
        "left": True,
        "binary": 5,
    }
    page.close()
