"""Emmett 2.8, by its documented API alone. No other connection reaches a `websocket`, so queues carry messages."""
# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator, misc, no-any-return, attr-defined"

from __future__ import annotations

import asyncio

from emmett.tools import service

from benchmarks.servers.orders import receipt
from emmett import App, websocket

app = App(__name__)
members: set[asyncio.Queue[str | bytes]] = set()
readers: list[asyncio.Queue[str | bytes]] = []


@app.websocket(["/echo", "/echo/<str:room>"])
async def echo(room: str | None = None) -> None:
    while True:
        message = await websocket.receive()
        await websocket.send(message)


@app.websocket("/json")
async def orders() -> None:
    while True:
        await websocket.send(receipt(await websocket.receive()))


async def speak(waiting: asyncio.Queue[str | bytes]) -> None:
    while True:
        await websocket.send(await waiting.get())


@app.websocket("/broadcast")
async def broadcast() -> None:
    await websocket.accept()
    waiting: asyncio.Queue[str | bytes] = asyncio.Queue()
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
    waiting: asyncio.Queue[str | bytes] = asyncio.Queue()
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


@app.route("/plaintext", output="str")
async def plaintext() -> str:
    return "Hello, World!"


@app.route("/jsonhttp")
@service.json
async def json_http() -> dict[str, str]:
    return {"message": "Hello, World!"}
