"""Tornado as its documentation shows it; msgspec validates."""

from __future__ import annotations

import asyncio
from typing import Any

import tornado.httpserver
import tornado.netutil
import tornado.process
import tornado.web
import tornado.websocket

from benchmarks.server_options import ServerOptions
from benchmarks.servers.orders import receipt

options = ServerOptions.from_environment()
members: set[Broadcast] = set()
readers: list[Reader] = []


class Socket(tornado.websocket.WebSocketHandler):
    def get_compression_options(self) -> dict[str, Any] | None:
        return {} if options.deflate else None


class Echo(Socket):
    def open(self, room: str | None = None) -> None:
        self.room = room

    async def on_message(self, message: str) -> None:
        await self.write_message(message)


class Orders(Socket):
    async def on_message(self, message: str) -> None:
        await self.write_message(receipt(message))


class Broadcast(Socket):
    def open(self) -> None:
        members.add(self)

    def on_message(self, message: str) -> None:
        for member in members:
            member.write_message(message)

    def on_close(self) -> None:
        members.discard(self)


class Reader(Socket):
    def open(self) -> None:
        readers.append(self)

    def on_message(self, message: str) -> None:
        pass

    def on_close(self) -> None:
        readers.remove(self)


class Producer(Socket):
    async def on_message(self, message: str) -> None:
        await readers[0].write_message(message)


class PlainText(tornado.web.RequestHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.write("Hello, World!")


class Json(tornado.web.RequestHandler):
    def get(self) -> None:
        self.write({"message": "Hello, World!"})


def make_app() -> tornado.web.Application:
    return tornado.web.Application(
        [
            (r"/echo", Echo),
            (r"/echo/([^/]+)", Echo),
            (r"/json", Orders),
            (r"/broadcast", Broadcast),
            (r"/reader", Reader),
            (r"/producer", Producer),
            (r"/plaintext", PlainText),
            (r"/jsonhttp", Json),
        ],
        log_function=lambda handler: None,
    )


async def serve(sockets: list[Any]) -> None:
    server = tornado.httpserver.HTTPServer(make_app(), ssl_options=options.tls())
    server.add_sockets(sockets)
    await asyncio.Event().wait()


if __name__ == "__main__":
    listening = tornado.netutil.bind_sockets(options.port, options.host, backlog=2048)
    if options.workers > 1:
        tornado.process.fork_processes(options.workers)
    asyncio.run(serve(listening))
