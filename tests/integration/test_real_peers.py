"""The echo of the documentation, word for word, with common clients."""

from __future__ import annotations

import asyncio
import json
import textwrap
from pathlib import Path
from types import ModuleType

import aiohttp
import pytest
from playwright.async_api import async_playwright
from websockets.asyncio.client import connect

from emmett import App
from tests.integration.servers import run_emmett
from tests.tools import tool

MIB = 1024 * 1024
MESSAGES: list[str | bytes] = [
    "text",
    "",
    "é\N{SNOWMAN}\U0001f600",
    b"\x00\xff\x80",
    b"",
    "x" * (MIB - 1),
    b"\x07" * (MIB - 1),
]
NODE = Path(__file__).parent / "node"

# The example of the documentation, verbatim.
ECHO = """
from emmett import websocket

async def echo():
    while True:
        message = await websocket.receive()
        await websocket.send(message)
"""
AROUND = """
from emmett import App, websocket

app = App(__name__)

@app.websocket()
"""
CHOSEN = """
@app.websocket()
async def chosen():
    await websocket.accept(subprotocol=websocket.subprotocols[-1])
    await websocket.close(4000, "bye")
"""


def echo_app() -> App:
    handler = ECHO[ECHO.index("async def") :]
    assert "from emmett import websocket" in ECHO
    module = ModuleType("echo")
    exec(textwrap.dedent(AROUND).rstrip() + "\n" + handler + CHOSEN, module.__dict__)
    app = module.__dict__["app"]
    assert isinstance(app, App)
    return app


async def test_the_client_of_websockets_works() -> None:
    async with run_emmett(echo_app()) as running:
        async with connect(f"{running.url}/echo", max_size=None) as client:
            for message in MESSAGES:
                await client.send(message)
                assert await client.recv() == message
            pieces = [bytes([number]) * 16384 for number in range(64)]
            await client.send(pieces)
            assert await client.recv() == b"".join(pieces)
            assert await (await client.ping()) >= 0
            await client.close(4001, "enough")
            assert client.close_code == 4001
        async with connect(f"{running.url}/chosen", subprotocols=["chat.v1", "chat.v2"]) as client:  # type: ignore[list-item]
            assert client.subprotocol == "chat.v2"
            await client.wait_closed()
            assert (client.close_code, client.close_reason) == (4000, "bye")


async def test_the_client_of_aiohttp_works() -> None:
    async with run_emmett(echo_app()) as running, aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{running.url}/echo", max_msg_size=0) as client:
            for message in MESSAGES:
                if isinstance(message, str):
                    await client.send_str(message)
                    assert await client.receive_str() == message
                else:
                    await client.send_bytes(message)
                    assert await client.receive_bytes() == message
            await client.close(code=4001, message=b"enough")
            assert client.close_code == 4001
        async with session.ws_connect(f"{running.url}/chosen", protocols=["chat.v1", "chat.v2"]) as client:
            assert client.protocol == "chat.v2"
            message_in = await client.receive()
            assert (message_in.type, message_in.data, message_in.extra) == (aiohttp.WSMsgType.CLOSE, 4000, "bye")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{running.url}/unknown")
        assert refused.value.status == 404


@pytest.mark.needs("node")
async def test_the_client_ws_of_node_works() -> None:
    async with run_emmett(echo_app()) as running:
        process = await asyncio.create_subprocess_exec(
            *(tool("node"), "echo.mjs", str(running.port)),
            cwd=NODE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert output.decode().strip() == "all as sent"


PAGE = """
async (url) => {
  const open = (path, protocols = []) => new Promise((resolve, reject) => {
    const client = new WebSocket(url + path, protocols);
    client.binaryType = "arraybuffer";
    client.onopen = () => resolve(client);
    client.onerror = () => reject(new Error("refused"));
  });
  const next = (client, name) => new Promise((resolve) => client.addEventListener(name, resolve, { once: true }));
  const bytes = (data) => (typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data));
  const echo = await open("/echo");
  const MIB = 1024 * 1024;
  const messages = ["text", "", "é\\u2603\\u{1f600}", new Uint8Array([0, 255, 128]), new Uint8Array(0),
                    "x".repeat(MIB - 1), new Uint8Array(MIB - 1).fill(7)];
  const same = [];
  for (const message of messages) {
    const answer = next(echo, "message");
    echo.send(message);
    const { data } = await answer;
    const [sent, back] = [bytes(message), bytes(data)];
    same.push(typeof data === (typeof message === "string" ? "string" : "object") && sent.length === back.length
              && sent.every((value, index) => value === back[index]));
  }
  const closed = next(echo, "close");
  echo.close(4001, "enough");
  const { code, wasClean } = await closed;
  const chosen = await open("/chosen", ["chat.v1", "chat.v2"]);
  const left = await next(chosen, "close");
  const refused = await open("/unknown").then(() => "open", (error) => error.message);
  return JSON.stringify({ same, code, wasClean, protocol: chosen.protocol, left: [left.code, left.reason], refused });
}
"""


@pytest.mark.needs("chromium")
async def test_the_websocket_of_chromium_works() -> None:
    app = echo_app()
    app.route("/")(lambda: "<!doctype html><title>echo</title>")
    flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"
    async with run_emmett(app) as running, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=tool("chromium"), args=[*flags.split(), "--disable-component-update"]
        )
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{running.port}/")
        result = json.loads(await page.evaluate(PAGE, running.url))
        await browser.close()
    assert result == {
        "same": [True] * 7,
        "code": 4001,
        "wasClean": True,
        "protocol": "chat.v2",
        "left": [4000, "bye"],
        "refused": "refused",
    }
