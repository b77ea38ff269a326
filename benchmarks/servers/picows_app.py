"""picows through its API like that of websockets, on uvloop. It serves no HTTP."""

from __future__ import annotations

from typing import Any

import uvloop
from picows.websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.server_options import ServerOptions
from benchmarks.servers.websockets_handlers import handlers

HANDLERS = handlers(broadcast)


async def by_path(websocket: ServerConnection) -> None:
    """Call the handler that the first part of the path names: `/echo/<room>`."""
    await HANDLERS[websocket.request.path.split("/")[1]](websocket)


async def main(options: ServerOptions) -> None:
    compression = "deflate" if options.deflate else None
    tls: dict[str, Any] = {"ssl": options.tls()} if options.certificate else {}
    server = await serve(by_path, options.host, options.port, compression=compression, backlog=2048, **tls)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(ServerOptions.from_environment()))
