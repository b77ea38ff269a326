"""This project as a user writes it: routes, a parameter, the contextual `websocket`, default settings."""

from __future__ import annotations

import os

import msgspec

from benchmarks.servers.orders import Order, Receipt, make_receipt
from emmett import App, Channels, Websocket, websocket

# What the runner asks for: see `ServerOptions`.
options = msgspec.json.decode(os.environ.get("BENCH_OPTIONS", "{}"))
app = App(__name__)
# In memory they are for one process; where two are measured nothing is broadcast.
channels = Channels(app if options.get("workers", 1) == 1 else None)
readers: list[Websocket] = []

# Off and 10,000 by default; two scenarios ask for more.
if options.get("deflate"):
    app.config.websocket.compression = "deflate"
if options.get("connections", 0) > app.config.server.max_connections:
    app.config.server.max_connections = 20_000


@app.websocket(["/echo", "/echo/<str:room>"])
async def echo(room: str | None = None) -> None:
    while True:
        message = await websocket.receive()
        await websocket.send(message)


@app.websocket("/json")
async def orders() -> None:
    while True:
        order = await websocket.receive_json(Order)
        await websocket.send_json(make_receipt(order))


calls = app.calls("/calls")


@calls.method()
async def order(order: Order) -> Receipt:
    return make_receipt(order)


@app.websocket("/broadcast")
async def broadcast() -> None:
    async with channels.subscribe("all", deliver=websocket):
        async for message in websocket:
            await channels.publish("all", message)


@app.websocket("/reader")
async def reader() -> None:
    await websocket.accept()
    readers.append(websocket.connection)
    await websocket.wait_closed()
    readers.remove(websocket.connection)


@app.websocket("/producer")
async def producer() -> None:
    async for message in websocket:
        await readers[0].send(message)


@app.route("/plaintext")
async def plaintext() -> str:
    return "Hello, World!"


@app.route("/jsonhttp")
async def json_http() -> dict[str, str]:
    return {"message": "Hello, World!"}
