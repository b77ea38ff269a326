"""Handlers for Starlette, as its documentation shows them, and for FastAPI, whose websockets are the same."""

from __future__ import annotations

from starlette.websockets import WebSocket, WebSocketDisconnect

members: set[WebSocket] = set()
readers: list[WebSocket] = []


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


async def broadcast(websocket: WebSocket) -> None:
    await websocket.accept()
    members.add(websocket)
    try:
        while True:
            message = await websocket.receive_text()
            for member in list(members):
                await member.send_text(message)
    except WebSocketDisconnect:
        pass
    finally:
        members.discard(websocket)


async def reader(websocket: WebSocket) -> None:
    await websocket.accept()
    readers.append(websocket)
    try:
        await websocket.receive_text()
    except WebSocketDisconnect:
        readers.remove(websocket)


async def producer(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await readers[0].send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


HANDLERS = {"/echo": echo, "/broadcast": broadcast, "/reader": reader, "/producer": producer}
