"""Sanic as its guide shows it; msgspec validates."""

from __future__ import annotations

from sanic import Request, Sanic, Websocket, json, text
from sanic.response import HTTPResponse

from benchmarks.server_options import ServerOptions
from benchmarks.servers.orders import receipt

# Its own configuration of logging writes lines about each connection.
app = Sanic("benchmark", configure_logging=False)
members: set[Websocket] = set()
readers: list[Websocket] = []


@app.websocket("/echo", name="echo")
async def echo(request: Request, websocket: Websocket) -> None:
    async for message in websocket:
        await websocket.send(message)


@app.websocket("/echo/<room:str>", name="named_echo")
async def named_echo(request: Request, websocket: Websocket, room: str) -> None:
    async for message in websocket:
        await websocket.send(message)


@app.websocket("/json")
async def orders(request: Request, websocket: Websocket) -> None:
    async for message in websocket:
        await websocket.send(receipt(message))


@app.websocket("/broadcast")
async def broadcast(request: Request, websocket: Websocket) -> None:
    members.add(websocket)
    try:
        async for message in websocket:
            for member in list(members):
                await member.send(message)
    finally:
        members.discard(websocket)


@app.websocket("/reader")
async def reader(request: Request, websocket: Websocket) -> None:
    readers.append(websocket)
    try:
        async for _ in websocket:
            pass
    finally:
        readers.remove(websocket)


@app.websocket("/producer")
async def producer(request: Request, websocket: Websocket) -> None:
    async for message in websocket:
        await readers[0].send(message)


@app.get("/plaintext")
async def plaintext(request: Request) -> HTTPResponse:
    return text("Hello, World!")


@app.get("/jsonhttp")
async def json_http(request: Request) -> HTTPResponse:
    return json({"message": "Hello, World!"})


if __name__ == "__main__":
    options = ServerOptions.from_environment()
    app.run(
        options.host,
        options.port,
        ssl=options.tls(),
        workers=options.workers,
        single_process=options.workers == 1,
        access_log=False,
        debug=False,
        motd=False,
    )
