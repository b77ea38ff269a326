"""Starlette as its documentation shows it. It validates nothing by itself: msgspec does, the quickest there is."""
# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator, misc, no-any-return, attr-defined"

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from benchmarks.servers.orders import receipt

members: set[WebSocket] = set()
readers: list[WebSocket] = []


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


async def orders(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(receipt(await websocket.receive_text()))
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


async def plaintext(request: Request) -> PlainTextResponse:
    return PlainTextResponse("Hello, World!")


async def json_http(request: Request) -> JSONResponse:
    return JSONResponse({"message": "Hello, World!"})


app = Starlette(
    routes=[
        WebSocketRoute("/echo", echo),
        WebSocketRoute("/echo/{room}", echo),
        WebSocketRoute("/json", orders),
        WebSocketRoute("/broadcast", broadcast),
        WebSocketRoute("/reader", reader),
        WebSocketRoute("/producer", producer),
        Route("/plaintext", plaintext),
        Route("/jsonhttp", json_http),
    ]
)
