"""picows through its API like that of websockets, on uvloop; msgspec validates. It serves no HTTP."""
# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator, misc, no-any-return, attr-defined"

from __future__ import annotations

from typing import Any

import uvloop
from picows.websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.server_options import ServerOptions
from benchmarks.servers.orders import receipt

options = ServerOptions.from_environment()
members: set[ServerConnection] = set()
readers: list[ServerConnection] = []


async def echo(websocket: ServerConnection) -> None:
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


HANDLERS = {
    "echo": echo,
    "json": orders,
    "broadcast": everybody,
    "reader": reader,
    "producer": producer,
}


async def by_path(websocket: ServerConnection) -> None:
    """Call the handler that the first part of the path names: `/echo/<room>`."""
    await HANDLERS[websocket.request.path.split("/")[1]](websocket)


async def main() -> None:
    compression = "deflate" if options.deflate else None
    tls: dict[str, Any] = {"ssl": options.tls()} if options.certificate else {}
    server = await serve(by_path, options.host, options.port, compression=compression, backlog=2048, **tls)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
