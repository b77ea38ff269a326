"""FastAPI as its documentation shows it, with Pydantic models."""
# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator, misc, no-any-return, attr-defined"

from __future__ import annotations

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

app = FastAPI()


class Order(BaseModel):
    id: int
    name: str
    price: float
    quantity: int
    tags: list[str]


class Receipt(BaseModel):
    id: int
    name: str
    total: float


class ConnectionManager:
    """Who is connected, as in the documentation's chat."""

    def __init__(self) -> None:
        self.connections: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.connections.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        self.connections.remove(websocket)

    async def broadcast(self, message: str) -> None:
        for connection in list(self.connections):
            await connection.send_text(message)


room = ConnectionManager()
readers = ConnectionManager()


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


@app.websocket("/echo/{name}")
async def named_echo(websocket: WebSocket, name: str) -> None:
    await echo(websocket)


@app.websocket("/json")
async def orders(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            order = Order.model_validate_json(await websocket.receive_text())
            receipt = Receipt(id=order.id, name=order.name, total=order.price * order.quantity)
            await websocket.send_text(receipt.model_dump_json())
    except WebSocketDisconnect:
        pass


@app.websocket("/broadcast")
async def broadcast(websocket: WebSocket) -> None:
    await room.connect(websocket)
    try:
        while True:
            await room.broadcast(await websocket.receive_text())
    except WebSocketDisconnect:
        room.disconnect(websocket)


@app.websocket("/reader")
async def reader(websocket: WebSocket) -> None:
    await readers.connect(websocket)
    try:
        await websocket.receive_text()
    except WebSocketDisconnect:
        readers.disconnect(websocket)


@app.websocket("/producer")
async def producer(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await readers.broadcast(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


@app.get("/plaintext", response_class=PlainTextResponse)
async def plaintext() -> str:
    return "Hello, World!"


@app.get("/jsonhttp")
async def json_http() -> dict[str, str]:
    return {"message": "Hello, World!"}
