"""Handlers for Emmett 2 and Quart, whose connections no other handler reaches: queues carry messages to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from benchmarks.servers.orders import receipt


def handlers(websocket: Any) -> dict[str, Callable[..., Any]]:
    """Return the handlers, by their paths.

    Arguments:
        websocket: the framework's contextual one.
    """
    members: set[asyncio.Queue[Any]] = set()
    readers: list[asyncio.Queue[Any]] = []

    async def echo(room: str | None = None) -> None:
        while True:
            await websocket.send(await websocket.receive())

    async def orders() -> None:
        while True:
            await websocket.send(receipt(await websocket.receive()))

    async def speak(waiting: asyncio.Queue[Any]) -> None:
        while True:
            await websocket.send(await waiting.get())

    async def broadcast() -> None:
        await websocket.accept()
        waiting: asyncio.Queue[Any] = asyncio.Queue()
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

    async def reader() -> None:
        await websocket.accept()
        waiting: asyncio.Queue[Any] = asyncio.Queue()
        readers.append(waiting)
        try:
            await speak(waiting)
        finally:
            readers.remove(waiting)

    async def producer() -> None:
        await websocket.accept()
        while True:
            readers[0].put_nowait(await websocket.receive())

    return {"/echo": echo, "/json": orders, "/broadcast": broadcast, "/reader": reader, "/producer": producer}
