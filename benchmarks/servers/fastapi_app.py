"""FastAPI, with Pydantic models."""

from __future__ import annotations

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import PlainTextResponse

from benchmarks.servers.pydantic_orders import Order, make_receipt
from benchmarks.servers.starlette_handlers import HANDLERS, echo

app = FastAPI()
for path, handler in HANDLERS.items():
    app.websocket(path)(handler)


@app.websocket("/echo/{name}")
async def named_echo(websocket: WebSocket, name: str) -> None:
    await echo(websocket)


@app.websocket("/json")
async def orders(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            order = Order.model_validate_json(await websocket.receive_text())
            await websocket.send_text(make_receipt(order).model_dump_json())
    except WebSocketDisconnect:
        pass


@app.get("/plaintext", response_class=PlainTextResponse)
async def plaintext() -> str:
    return "Hello, World!"


@app.get("/jsonhttp")
async def json_http() -> dict[str, str]:
    return {"message": "Hello, World!"}
