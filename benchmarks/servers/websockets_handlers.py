"""Handlers for the libraries whose connections are those of websockets: itself, and picows. msgspec validates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.servers.orders import receipt


def handlers(broadcast: Callable[[set[Any], Any], object]) -> dict[str, Callable[..., Any]]:
    """Return the handlers, by the first part of their path.

    Arguments:
        broadcast: the library's own.
    """
    members: set[Any] = set()
    readers: list[Any] = []

    async def echo(websocket: Any, room: str | None = None) -> None:
        async for message in websocket:
            await websocket.send(message)

    async def orders(websocket: Any) -> None:
        async for message in websocket:
            await websocket.send(receipt(message))

    async def everybody(websocket: Any) -> None:
        members.add(websocket)
        try:
            async for message in websocket:
                broadcast(members, message)
        finally:
            members.discard(websocket)

    async def reader(websocket: Any) -> None:
        readers.append(websocket)
        await websocket.wait_closed()
        readers.remove(websocket)

    async def producer(websocket: Any) -> None:
        async for message in websocket:
            await readers[0].send(message)

    return {"echo": echo, "json": orders, "broadcast": everybody, "reader": reader, "producer": producer}
