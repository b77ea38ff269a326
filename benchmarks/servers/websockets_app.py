"""The library websockets as its documentation shows it, on uvloop. It serves no HTTP."""

from __future__ import annotations

from typing import Any

import uvloop
from websockets.asyncio.router import route
from websockets.asyncio.server import broadcast
from werkzeug.routing import Map, Rule

from benchmarks.server_options import ServerOptions
from benchmarks.servers.websockets_handlers import handlers

HANDLERS = handlers(broadcast)
ROUTES = Map(
    [Rule("/echo/<room>", endpoint=HANDLERS["echo"])]
    + [Rule(f"/{name}", endpoint=handler) for name, handler in HANDLERS.items()]
)


async def serve(options: ServerOptions) -> None:
    compression = "deflate" if options.deflate else None
    # `ssl` may be left out, not None: the router then builds URLs with wss.
    tls: dict[str, Any] = {"ssl": options.tls()} if options.certificate else {}
    async with route(ROUTES, options.host, options.port, compression=compression, backlog=2048, **tls) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(ServerOptions.from_environment()))
