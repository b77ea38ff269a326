"""The server under load: plain subscribers and SDKs in one process, on channels with the same settings."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from emmett import App, Channels, request, websocket
from emmett.centrifuge import Centrifuge

# What the runner asks for: see `ServerOptions`.
options = json.loads(os.environ.get("BENCH_OPTIONS", "{}"))
app = App(__name__)
channels = Channels(app, "memory")
channels.namespace("room", history=1000, may_subscribe=lambda _: True)
centrifuge = Centrifuge(app, channels)

app.config.server.max_connections = max(10_000, options.get("connections", 0) + 64)
# SDKs have pings of their own; those of websockets would be a second kind for them, and the only one of the others.
app.config.websocket.ping_interval = None


@app.websocket("/plain")
async def plain() -> None:
    async with channels.subscribe("room:plain", deliver=websocket):
        await websocket.send("subscribed")
        await websocket.wait_closed()


@app.route("/publish/<str:kind>/<int:number>", methods="post")
async def publish(kind: str, number: int) -> str:
    """Publish a number, with the moment by the clock that all processes share."""
    await channels.publish(f"room:{kind}", {"number": number, "at": time.monotonic_ns(), "text": "x" * 64})
    return request.path


@app.route("/clients")
async def clients() -> dict[str, Any]:
    return {"clients": len(centrifuge.clients)}
