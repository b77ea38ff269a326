"""The work that is counted, in memory: echoed messages, GET requests and whole connections, from read to write.

Run as a program, it carries as many of a kind as its arguments say: `python benchmarks/guard/workload.py batch 1000`.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

if __package__ in (None, ""):
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from websockets.speedups import apply_mask

from emmett import App, websocket
from emmett.observers import Observer
from emmett.server.http_protocol import HTTPProtocol
from emmett.server.process import make_config
from emmett.server.server_state import ServerState

MASK = b"\x37\xfa\x21\x3d"
# A request as curl writes it, and the size of its response.
GET = b"GET /hello HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"
RESPONSE_SIZE = 84
# What a websocket client sends from the first to the last byte, one read each, and the size of the answers.
UPGRADE = (
    b"GET /echo/a HTTP/1.1\r\nHost: localhost:8000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT = b"\x81" + bytes((0x80 | 64,)) + MASK + apply_mask(b"x" * 64, MASK)
CLOSE = b"\x88\x82" + MASK + apply_mask(b"\x03\xe8", MASK)
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

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def can_write_eof(self) -> bool:
        return True

    def _ignore(self, *_: object, **__: object) -> None:
        pass

    set_write_buffer_limits = pause_reading = resume_reading = close = abort = _ignore


class Server:
    """A server without sockets: it makes connections whose bytes go nowhere.

    Arguments:
        observer: what observes its connections.
        ping_interval: of its websockets, in seconds.
    """

    def __init__(self, observer: Observer | None = None, ping_interval: float | None = 20.0) -> None:
        app = App(__name__)
        if observer is not None:
            app.observers.add(observer)

        @app.route("/hello")
        async def hello() -> str:
            return "hello"

        @app.websocket("/echo/<str:name>")
        async def echo(name: str) -> None:
            while True:
                await websocket.send(await websocket.receive())

        app.config.websocket.ping_interval = ping_interval
        self._config = make_config(app, port=0, configure_logging=False)
        self._config.load()
        self.state = ServerState()

    def connect(self) -> Sink:
        """Return where the bytes of a new connection go."""
        sink = Sink()
        sink.protocol = HTTPProtocol(self._config, self.state, {}, asyncio.get_running_loop())
        sink.protocol.connection_made(sink)
        return sink


async def read(sink: Sink, data: bytes) -> None:
    """Let a connection read, and a turn of the loop pass: the handler takes all that came, and answers."""
    assert isinstance(sink.protocol, asyncio.Protocol)
    sink.protocol.data_received(data)
    await asyncio.sleep(0)


async def lose(sink: Sink) -> None:
    """End a connection."""
    assert sink.protocol is not None
    sink.protocol.connection_lost(None)
    await asyncio.sleep(0)


async def carry(kind: str, messages: int) -> int:
    """Echo so many 64-byte texts over one connection; return the bytes that came back, without the handshake."""
    measuring = None
    if kind.endswith(WITH_TELEMETRY):
        from emmett.telemetry.measuring import Measuring
        from emmett.telemetry.store import MeasurementStore

        measuring = Measuring(MeasurementStore(), dict, counts_bytes=False)
    at_once = AT_ONCE[kind.removesuffix(WITH_TELEMETRY)]
    data = TEXT * at_once
    # On a busy machine valgrind takes longer than 20 seconds, and a Ping would come among the messages.
    sink = Server(measuring, ping_interval=None).connect()
    await read(sink, UPGRADE)
    protocol, before = sink.protocol, sink.size
    assert isinstance(protocol, asyncio.Protocol)
    for number in range(0, messages, at_once):
        protocol.data_received(data)
        await asyncio.sleep(0)
        if measuring is not None and not number % COUNT_EVERY:
            await measuring.count_open()
    size = sink.size - before
    await lose(sink)
    return size


async def get(requests: int) -> int:
    """Answer so many GET requests on one connection; return the bytes of the responses."""
    sink = Server().connect()
    assert isinstance(sink.protocol, asyncio.Protocol)
    for _ in range(requests):
        sink.protocol.data_received(GET)
        # The task of the request begins and ends in one turn of the loop.
        await asyncio.sleep(0)
    await lose(sink)
    return sink.size


async def connect(visits: int) -> int:
    """Serve so many websockets from the accepted connection to its end; return the bytes of all answers."""
    server, size = Server(), 0
    for _ in range(visits):
        sink = server.connect()
        for data in (UPGRADE, TEXT, CLOSE):
            await read(sink, data)
        await lose(sink)
        size += sink.size
    assert not server.state.connections
    return size


def main() -> None:
    kind, times = sys.argv[1], int(sys.argv[2])
    # A collection in the middle would depend on all that was imported.
    gc.disable()
    works: dict[str, tuple[Callable[[int], Awaitable[int]], int]] = {
        "get": (get, RESPONSE_SIZE),
        "connect": (connect, VISIT_SIZE),
    }
    work, size = works.get(kind, (lambda messages: carry(kind, messages), 66))

    async def run() -> None:
        assert await work(times) == size * times

    asyncio.run(run())


if __name__ == "__main__":
    main()
