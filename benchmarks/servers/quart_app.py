"""Quart as its documentation shows it: queues carry messages to the connections, msgspec validates."""
# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator, misc, no-any-return, attr-defined"

from __future__ import annotations

import asyncio

import msgspec
from quart import Quart, Response, websocket

app = Quart(__name__)
members: set[asyncio.Queue[str]] = set()
readers: list[asyncio.Queue[str]] = []


class Order(msgspec.Struct):
    id: int
    name: str
    price: float
    quantity: int
    tags: list[str]


class Receipt(msgspec.Struct):
    id: int
    name: str
    total: float


@app.websocket("/echo")
@app.websocket("/echo/<room>")
async def echo(room: str | None = None) -> None:
    while True:
        await websocket.send(await websocket.receive())


@app.websocket("/json")
async def orders() -> None:
    while True:
        order = msgspec.json.decode(await websocket.receive(), type=Order)
        receipt = Receipt(order.id, order.name, order.price * order.quantity)
        await websocket.send(msgspec.json.encode(receipt).decode())


async def speak(waiting: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send(await waiting.get())


@app.websocket("/broadcast")
async def broadcast() -> None:
    await websocket.accept()
    waiting: asyncio.Queue[str] = asyncio.Queue()
    members.add(waiting)
    speaker = asyncio.create_task(speak(waiting))
    try:
        while True:
            message = await websocket.receive()
            for member in members:
                member.put_nowait(message)
    finally:
        speaker.cancel()
        members.discard(waiting)


@app.websocket("/reader")
async def reader() -> None:
    await websocket.accept()
    waiting: asyncio.Queue[str] = asyncio.Queue()
    readers.append(waiting)
    try:
        await speak(waiting)
    finally:
        readers.remove(waiting)


@app.websocket("/producer")
async def producer() -> None:
    await websocket.accept()
    while True:
        readers[0].put_nowait(await websocket.receive())


@app.route("/plaintext")
async def plaintext() -> Response:
    return Response("Hello, World!", mimetype="text/plain")


@app.route("/jsonhttp")
async def json_http() -> dict[str, str]:
    return {"message": "Hello, World!"}
