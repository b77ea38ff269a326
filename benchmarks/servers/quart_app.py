"""Quart as its documentation shows it: queues carry messages to the connections, msgspec validates."""
# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator, misc, no-any-return, attr-defined"

from __future__ import annotations

import asyncio

from quart import Quart, Response, websocket

from benchmarks.servers.orders import receipt

app = Quart(__name__)
members: set[asyncio.Queue[str]] = set()
readers: list[asyncio.Queue[str]] = []


@app.websocket("/echo")
@app.websocket("/echo/<room>")
async def echo(room: str | None = None) -> None:
    while True:
        await websocket.send(await websocket.receive())


@app.websocket("/json")
async def orders() -> None:
    while True:
        await websocket.send(receipt(await websocket.receive()))


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
