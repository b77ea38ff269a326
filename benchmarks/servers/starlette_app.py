"""Starlette. It validates nothing by itself: msgspec does, the quickest there is."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from benchmarks.servers.orders import receipt
from benchmarks.servers.starlette_handlers import HANDLERS, echo


async def orders(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(receipt(await websocket.receive_text()))
    except WebSocketDisconnect:
        pass


async def plaintext(request: Request) -> PlainTextResponse:
    return PlainTextResponse("Hello, World!")


async def json_http(request: Request) -> JSONResponse:
    return JSONResponse({"message": "Hello, World!"})


app = Starlette(
    routes=[
        *(WebSocketRoute(path, handler) for path, handler in HANDLERS.items()),
        WebSocketRoute("/echo/{room}", echo),
        WebSocketRoute("/json", orders),
        Route("/plaintext", plaintext),
        Route("/jsonhttp", json_http),
    ]
)
