"""The work that is counted, in memory: echoed messages, GET requests and whole connections, from read to write.

Run as a program, it carries as many of a kind as its arguments say: `python benchmarks/guard/workload.py batch 1000`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emmett.telemetry.measuring import Measuring

if __package__ in (None, ""):
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from uvicorn.server import ServerState
from websockets.speedups import apply_mask

from emmett import App, websocket
from emmett.datastructures import Headers
from emmett.observers import Observer, Observers
from emmett.server.http_protocol import HTTPProtocol
from emmett.server.memory_budget import MemoryBudget
from emmett.server.observed import tell_opened
from emmett.server.process import make_config
from emmett.server.websocket_process import ServedWebsocket
from emmett.server.websocket_protocol import WebsocketProtocol
from emmett.websockets import Websocket
from emmett.wire.handshake import Upgrade

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x37\xfa\x21\x3d"
# A request as curl writes it, and the size of its response.
GET = b"GET /hello HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"
RESPONSE_SIZE = 84
# What a websocket client sends from the first to the last byte, one read each, and the size of all answers.
VISIT = (
    b"GET /echo/a HTTP/1.1\r\nHost: localhost:8000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: " + KEY + b"\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"\x81" + bytes((0x80 | 64,)) + MASK + apply_mask(b"x" * 64, MASK),
    b"\x88\x82" + MASK + apply_mask(b"\x03\xe8", MASK),
)
VISIT_SIZE = 129 + 66 + 4
# Messages in one read.
AT_ONCE = {"single": 1, "batch": 32}
# The end of the names of kinds that are carried with telemetry on.
WITH_TELEMETRY = "-telemetry"
# Messages after which the counts of the connection are read, as telemetry does every two seconds.
COUNT_EVERY = 640


class Sink(asyncio.Transport):
    """A transport that counts bytes and takes all of them."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000)})
        self.size = 0
        self.protocol: asyncio.BaseProtocol | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.size += len(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


class Process:
    """The process that the connection belongs to."""

    def __init__(self, observers: Observers) -> None:
        self.memory = MemoryBudget(1 << 30, 1000, 10.0, lambda: 0.0)
        self.context = contextvars.Context()
        self.tasks: set[asyncio.Task[None]] = set()
        self.observers = observers

    def stop_after(self) -> float:
        return 0.0

    def opened(self, websocket: ServedWebsocket) -> None:
        tell_opened(self.observers, websocket)

    def slow(self, websocket: ServedWebsocket, reason: str, cause: str) -> None:
        pass

    def stalled(self, websocket: ServedWebsocket) -> None:
        pass

    def ended(self, websocket: ServedWebsocket) -> None:
        pass


@contextlib.asynccontextmanager
async def open_echo(observer: Observer | None = None) -> AsyncIterator[tuple[WebsocketProtocol, Websocket, Sink]]:
    """Open a connection whose handler sends back what comes; returns both its ends, and where its bytes go."""
    app = App(__name__)
    if observer is not None:
        app.observers.add(observer)

    @app.websocket("/echo/<str:name>")
    async def echo(name: str) -> None:
        while True:
            await websocket.send(await websocket.receive())

    match = app.table.websockets.match("/echo/a", scheme="ws", host="localhost")
    assert match.endpoint is not None
    sink = Sink()
    loop = asyncio.get_running_loop()
    upgrade = Upgrade(KEY, (), "", None, "localhost")
    protocol = WebsocketProtocol(loop, sink, upgrade, match.endpoint.settings, Process(app.observers), b"/echo/a")
    connection = Websocket(
        scheme="ws",
        path="/echo/a",
        query_string=b"",
        headers=Headers(),
        client=None,
        subprotocols=(),
        connection=protocol,
        inbox=protocol.inbox,
    )
    protocol.start(match.endpoint, connection, match.arguments, b"")
    # One turn of the loop: the handler takes all that came, and answers.
    await asyncio.sleep(0)
    try:
        yield protocol, connection, sink
    finally:
        assert protocol.task is not None
        protocol.task.cancel()
        protocol.connection_lost(None)


def make_measuring() -> Measuring:
    """Return what Prometheus and OpenTelemetry measure with."""
    from emmett.telemetry.measuring import Measuring
    from emmett.telemetry.store import MeasurementStore

    return Measuring(MeasurementStore(), dict, counts_bytes=False)


async def carry(kind: str, messages: int) -> int:
    """Echo so many 64-byte texts over one connection; returns the bytes that came back, without the handshake."""
    at_once = AT_ONCE[kind.removesuffix(WITH_TELEMETRY)]
    measuring = make_measuring() if kind.endswith(WITH_TELEMETRY) else None
    read = (b"\x81" + bytes((0x80 | 64,)) + MASK + apply_mask(b"x" * 64, MASK)) * at_once
    async with open_echo(measuring) as (protocol, _, sink):
        before = sink.size
        for number in range(0, messages, at_once):
            protocol.data_received(read)
            await asyncio.sleep(0)
            if measuring is not None and not number % COUNT_EVERY:
                await measuring.count_open()
        return sink.size - before


async def get(requests: int) -> int:
    """Answer so many GET requests on one connection; returns the bytes of the responses."""
    app = App(__name__)

    @app.route("/hello")
    async def hello() -> str:
        return "hello"

    config = make_config(app, port=0, configure_logging=False)
    config.load()
    protocol, sink = HTTPProtocol(config, ServerState(), {}, asyncio.get_running_loop()), Sink()
    protocol.connection_made(sink)
    for _ in range(requests):
        protocol.data_received(GET)
        # The task of the request begins and ends in one turn of the loop.
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    return sink.size


async def connect(visits: int) -> int:
    """Serve so many websockets from the accepted connection to its end; returns the bytes of all answers."""
    app = App(__name__)

    @app.websocket("/echo/<str:name>")
    async def echo(name: str) -> None:
        while True:
            await websocket.send(await websocket.receive())

    config = make_config(app, port=0, configure_logging=False)
    config.load()
    state, loop, size = ServerState(), asyncio.get_running_loop(), 0
    for _ in range(visits):
        sink = Sink()
        sink.protocol = HTTPProtocol(config, state, {}, loop)
        sink.protocol.connection_made(sink)
        for data in VISIT:
            assert isinstance(sink.protocol, asyncio.Protocol)
            sink.protocol.data_received(data)
            # The handler takes its message, and learns of its end.
            await asyncio.sleep(0)
        sink.protocol.connection_lost(None)
        await asyncio.sleep(0)
        size += sink.size
    assert not state.connections
    return size


def main() -> None:
    kind, messages = sys.argv[1], int(sys.argv[2])
    # A collection in the middle would depend on all that was imported.
    gc.disable()
    if kind == "get":
        assert asyncio.run(get(messages)) == RESPONSE_SIZE * messages
    elif kind == "connect":
        assert asyncio.run(connect(messages)) == VISIT_SIZE * messages
    else:
        assert asyncio.run(carry(kind, messages)) == 66 * messages


if __name__ == "__main__":
    main()
