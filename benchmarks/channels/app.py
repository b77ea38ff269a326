"""The server under load, as a user writes it: rooms whose members publish, and get what all publish."""

from __future__ import annotations

import json
import os

from emmett import App, Channels, websocket

# What the runner asks for: see `ServerOptions`.
options = json.loads(os.environ.get("BENCH_OPTIONS", "{}"))
app = App(__name__)
# The broker is the one that EMMETT_BROKER names.
channels = Channels(app)
channels.namespace("plain")
channels.namespace("kept", history=100)
channels.namespace("disconnect", slow="disconnect")
channels.namespace("drop_oldest", slow="drop_oldest")
channels.namespace("latest", slow="latest")

# 10,000 by default; the runner says so where it opens more. A few are for its requests.
app.config.server.max_connections = max(10_000, options.get("connections", 0) + 16)
# Pings would come among the publications, which are compared byte for byte.
app.config.websocket.ping_interval = None


@app.websocket("/rooms/<str:room>")
async def member(room: str) -> None:
    also = websocket.query_params.also
    rooms = [room, also] if isinstance(also, str) else [room]
    async with channels.subscribe(*rooms, deliver=websocket):
        # The answer confirms the subscription and names the process.
        await websocket.receive()
        await websocket.send(str(os.getpid()))
        async for message in websocket:
            await channels.publish(room, message)


@app.route("/flood/<str:room>")
async def flood(room: str) -> str:
    """Publish a MiB; the tests of a slow reader need much that it does not read."""
    for _ in range(16):
        await channels.publish(room, "x" * 65_536)
    return "flooded"


@app.route("/stats")
async def stats() -> dict[str, int]:
    return channels.stats()._asdict()
