"""socketify (uWebSockets) as its documentation shows it, with its own publish and subscribe; msgspec validates."""

from __future__ import annotations

from socketify import App, AppListenOptions, AppOptions, CompressOptions, OpCode, Request, Response, WebSocket

from benchmarks.server_options import ServerOptions
from benchmarks.servers.orders import receipt

options = ServerOptions.from_environment()
TLS = AppOptions(key_file_name=options.key, cert_file_name=options.certificate) if options.certificate else None
app = App(TLS)


def echo(websocket: WebSocket, message: str, opcode: OpCode) -> None:
    websocket.send(message, opcode, options.deflate)


def orders(websocket: WebSocket, message: str, opcode: OpCode) -> None:
    websocket.send(receipt(message), opcode)


def join(websocket: WebSocket) -> None:
    websocket.subscribe("everybody")


def broadcast(websocket: WebSocket, message: str, opcode: OpCode) -> None:
    app.publish("everybody", message, opcode)


def listen(websocket: WebSocket) -> None:
    websocket.subscribe("reader")


def produce(websocket: WebSocket, message: str, opcode: OpCode) -> None:
    app.publish("reader", message, opcode)


def plaintext(response: Response, request: Request) -> None:
    response.end("Hello, World!")


def json_http(response: Response, request: Request) -> None:
    response.end({"message": "Hello, World!"})


LIMITS = {"max_payload_length": 1024 * 1024}  # as the others have it; by default 16 KiB
COMPRESSION = {"compression": CompressOptions.DEDICATED_COMPRESSOR_4KB if options.deflate else CompressOptions.DISABLED}
app.ws("/echo", {"message": echo, **LIMITS, **COMPRESSION})
app.ws("/echo/:room", {"message": echo, **LIMITS, **COMPRESSION})
app.ws("/json", {"message": orders})
app.ws("/broadcast", {"open": join, "message": broadcast})
app.ws("/reader", {"open": listen})
app.ws("/producer", {"message": produce})
app.get("/plaintext", plaintext)
app.get("/jsonhttp", json_http)

if __name__ == "__main__":
    app.listen(AppListenOptions(port=options.port, host=options.host), lambda config: None)
    app.run()
