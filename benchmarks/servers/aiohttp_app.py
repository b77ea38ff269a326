"""aiohttp as its documentation shows it, on uvloop; msgspec validates."""

from __future__ import annotations

import uvloop
from aiohttp import web

from benchmarks.server_options import ServerOptions
from benchmarks.servers.orders import receipt

options = ServerOptions.from_environment()
members: set[web.WebSocketResponse] = set()
readers: list[web.WebSocketResponse] = []


async def opened(request: web.Request) -> web.WebSocketResponse:
    websocket = web.WebSocketResponse(compress=options.deflate)
    await websocket.prepare(request)
    return websocket


async def echo(request: web.Request) -> web.WebSocketResponse:
    websocket = await opened(request)
    async for message in websocket:
        await websocket.send_str(message.data)
    return websocket


async def orders(request: web.Request) -> web.WebSocketResponse:
    websocket = await opened(request)
    async for message in websocket:
        await websocket.send_str(receipt(message.data))
    return websocket


async def broadcast(request: web.Request) -> web.WebSocketResponse:
    websocket = await opened(request)
    members.add(websocket)
    try:
        async for message in websocket:
            for member in list(members):
                await member.send_str(message.data)
    finally:
        members.discard(websocket)
    return websocket


async def reader(request: web.Request) -> web.WebSocketResponse:
    websocket = await opened(request)
    readers.append(websocket)
    try:
        async for _ in websocket:
            pass
    finally:
        readers.remove(websocket)
    return websocket


async def producer(request: web.Request) -> web.WebSocketResponse:
    websocket = await opened(request)
    async for message in websocket:
        await readers[0].send_str(message.data)
    return websocket


async def plaintext(request: web.Request) -> web.Response:
    return web.Response(text="Hello, World!")


async def json_http(request: web.Request) -> web.Response:
    return web.json_response({"message": "Hello, World!"})


app = web.Application()
app.add_routes(
    [
        web.get("/echo", echo),
        web.get("/echo/{room}", echo),
        web.get("/json", orders),
        web.get("/broadcast", broadcast),
        web.get("/reader", reader),
        web.get("/producer", producer),
        web.get("/plaintext", plaintext),
        web.get("/jsonhttp", json_http),
    ]
)

if __name__ == "__main__":
    web.run_app(
        app,
        host=options.host,
        port=options.port,
        ssl_context=options.tls(),
        backlog=2048,
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )
