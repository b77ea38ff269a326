"""This project as a user writes it: a route with a parameter, the contextual `websocket`, default settings."""

from __future__ import annotations

from emmett import App, websocket

app = App(__name__)


@app.websocket("/echo/<str:room>")
async def echo(room: str) -> None:
    """Send every message back."""
    while True:
        message = await websocket.receive()
        await websocket.send(message)
