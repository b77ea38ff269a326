"""The library websockets as its documentation shows it, on uvloop; msgspec validates. It serves no HTTP."""
# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator, misc, no-any-return, attr-defined"

from __future__ import annotations

from typing import Any

import uvloop
from websockets.asyncio.router import route
from websockets.asyncio.server import ServerConnection, broadcast
from werkzeug.routing import Map, Rule

from benchmarks.server_options import ServerOptions
from benchmarks.servers.orders import receipt

options = ServerOptions.from_environment()
members: set[ServerConnection] = set()
readers: list[ServerConnection] = []


async def echo(websocket: ServerConnection, room: str | None = None) -> None:
    async for message in websocket:
        await websocket.send(message)


async def orders(websocket: ServerConnection) -> None:
    async for message in websocket:
        await websocket.send(receipt(message))


async def everybody(websocket: ServerConnection) -> None:
    members.add(websocket)
    try:
        async for message in websocket:
            broadcast(members, message)
    finally:
        members.discard(websocket)


async def reader(websocket: ServerConnection) -> None:
    readers.append(websocket)
    await websocket.wait_closed()
    readers.remove(websocket)


async def producer(websocket: ServerConnection) -> None:
    async for message in websocket:
        await readers[0].send(message)


ROUTES = Map(
    [
        Rule("/echo", endpoint=echo),
        Rule("/echo/<room>", endpoint=echo),
        Rule("/json", endpoint=orders),
        Rule("/broadcast", endpoint=everybody),
        Rule("/reader", endpoint=reader),
        Rule("/producer", endpoint=producer),
    ]
)


async def serve() -> None:
    compression = "deflate" if options.deflate else None
    # `ssl` may be left out, not None: the router then builds URLs with wss.
    tls: dict[str, Any] = {"ssl": options.tls()} if options.certificate else {}
    async with route(ROUTES, options.host, options.port, compression=compression, backlog=2048, **tls) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
