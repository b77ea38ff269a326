"""Emmett 2.8, by its documented API alone."""

from __future__ import annotations

from emmett.tools import service

from benchmarks.servers.queue_handlers import handlers
from emmett import App, websocket

app = App(__name__)
for path, handler in handlers(websocket).items():
    app.websocket([path, "/echo/<str:room>"] if path == "/echo" else path)(handler)


@app.route("/plaintext", output="str")
async def plaintext() -> str:
    return "Hello, World!"


@app.route("/jsonhttp")
@service.json
async def json_http() -> dict[str, str]:
    return {"message": "Hello, World!"}
