"""Quart as its documentation shows it."""

from __future__ import annotations

from quart import Quart, Response, websocket

from benchmarks.servers.queue_handlers import handlers

app = Quart(__name__)
HANDLERS = handlers(websocket)
for path, handler in [*HANDLERS.items(), ("/echo/<room>", HANDLERS["/echo"])]:
    app.websocket(path)(handler)


@app.route("/plaintext")
async def plaintext() -> Response:
    return Response("Hello, World!", mimetype="text/plain")


@app.route("/jsonhttp")
async def json_http() -> dict[str, str]:
    return {"message": "Hello, World!"}
