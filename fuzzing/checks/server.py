"""Whatever several peers do to handlers of all kinds, the server serves their neighbours and keeps nothing.

The bytes are a program: each step is one action of one peer. Then all peers fall silent, and the check lets their
deadlines pass without waiting: every connection ends, no task or memory is left, and no error is logged.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import Any

from emmett import App, request, stream, websocket
from emmett.server.process_state import ProcessState, process_state
from emmett.server.websocket_protocol import WebsocketProtocol
from emmett.server.websocket_reading import READ_AHEAD
from emmett.testing import Faults, MemoryServer
from emmett.testing.transport import MemoryConnection
from tests.wire.frame_maker import client_frame

MIB = 1024 * 1024
# The loggers whose errors are faults. The harness captures them.
LOGGERS = ("emmett", "uvicorn", "asyncio")
MAX_STEPS = 60
PEERS = 3
# Turns of the loop after each step.
TURNS = 8
# Seconds per step when all peers are silent, and the number of steps. All deadlines have their defaults.
PAUSE = 5.0
PAUSES = 120

SOCKETS = (b"/echo", b"/deaf", b"/mute", b"/burst", b"/farewell", b"/slow", b"/nowhere")
PAGES = (b"/page", b"/large", b"/drip", b"/body", b"/pieces", b"/ignore", b"/nowhere")
SIZES = (0, 1, 5, 125, 126, 1000, 65_535, 70_000)
OPENING = (
    b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"


class _Errors(logging.Handler):
    """Collects logged errors."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{record.getMessage()} {record.exc_info}")


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose time the check controls.

    Attributes:
        passed: seconds by which it is ahead of the real time.
    """

    passed = 0.0

    def time(self) -> float:
        return super().time() + self.passed


class _Program:
    """The bytes of an input, one by one, followed by zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_over(self) -> bool:
        return self._at >= len(self._data)

    def byte(self) -> int:
        at, self._at = self._at, self._at + 1
        return self._data[at] if at < len(self._data) else 0

    def take(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def one_of(self, choices: Any) -> Any:
        return choices[self.byte() % len(choices)]


class _Peer:
    """One client and its actions."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self.connection: MemoryConnection = server.connect()

    def renew(self, program: _Program) -> None:
        """Leave the old connection as it is, and open a new one."""
        faults = program.one_of((None, Faults(window=1), Faults(piece=300), Faults(window=1000, piece=3000)))
        self.connection = self._server.connect(faults=faults)

    def open(self, program: _Program) -> None:
        path, extensions = program.one_of(SOCKETS), program.one_of((b"", DEFLATE))
        self.connection.write(OPENING % (path, extensions))

    def send_frame(self, program: _Program) -> None:
        first, size = program.byte(), program.one_of(SIZES)
        frame = bytearray(client_frame(1, b"x" * size))
        frame[0] = first
        self.connection.write(frame if program.byte() < 240 else frame[: len(frame) // 2])

    def send_good_frame(self, program: _Program) -> None:
        opcode, size = program.one_of((1, 2, 9, 10)), program.one_of(SIZES[:4])
        self.connection.write(client_frame(opcode, b"x" * size) * (1 + program.byte() % 32))

    def send_compressed(self, program: _Program) -> None:
        size, final = program.one_of((10, 1000, 100_000, MIB - 1, MIB + 1)), program.byte() % 2
        packer = zlib.compressobj(9, zlib.DEFLATED, -12)
        payload = packer.compress(bytes(size)) + packer.flush(zlib.Z_SYNC_FLUSH)
        frame = bytearray(client_frame(2, payload[:-4] if final else payload))
        frame[0] = 0xC2 if final else 0x42
        self.connection.write(frame * (1 + program.byte() % 20))

    def send_fragments(self, program: _Program) -> None:
        size, count = program.one_of(SIZES), program.byte()
        first, rest = bytearray(client_frame(1, b"x" * size)), bytearray(client_frame(1, b"y"))
        first[0], rest[0] = 1, 0
        self.connection.write(bytes(first) + bytes(rest) * count)

    def send_close(self, program: _Program) -> None:
        self.connection.write(client_frame(8, program.one_of((b"", b"\x03\xe8", b"\x0f\xa0bye", b"\x00"))))

    def ask(self, program: _Program) -> None:
        path, count = program.one_of(PAGES), 1 + program.byte() % 150
        self.connection.write(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path * count)

    def post(self, program: _Program) -> None:
        path, size, sent = program.one_of(PAGES), program.one_of(SIZES), program.one_of(SIZES)
        head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (path, size)
        self.connection.write(head + b"x" * min(size, sent))

    def post_chunks(self, program: _Program) -> None:
        path = program.one_of(PAGES)
        self.connection.write(b"POST %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" % path)
        self.send_chunks(program)

    def send_chunks(self, program: _Program) -> None:
        end = program.one_of((b"", b"0\r\n\r\n", b"zz\r\n", b"5\r\nab"))
        self.connection.write(b"1\r\nx\r\n" * (program.byte() * 20) + end)

    def send_bytes(self, program: _Program) -> None:
        self.connection.write(program.take(program.byte() % 32))

    def read(self, program: _Program) -> None:
        size = program.one_of((1, 100, 1 << 20))
        if self.connection.transport.readable:
            self.connection.transport.give(size)

    def half_close(self, program: _Program) -> None:
        self.connection.write_eof()

    def close(self, program: _Program) -> None:
        self.connection.close()

    def reset(self, program: _Program) -> None:
        self.connection.reset(program.one_of((None, ConnectionResetError("reset"))))


_STEPS: tuple[Callable[[_Peer, _Program], None], ...] = (
    *(_Peer.renew, _Peer.open, _Peer.open, _Peer.send_frame, _Peer.send_good_frame, _Peer.send_good_frame),
    *(_Peer.send_compressed, _Peer.send_fragments, _Peer.send_close, _Peer.ask, _Peer.post, _Peer.post_chunks),
    *(_Peer.send_chunks, _Peer.send_bytes, _Peer.read, _Peer.half_close, _Peer.close, _Peer.reset),
)


class _Server:
    """One server for all inputs, without a socket."""

    def __init__(self) -> None:
        self.loop = _Loop()
        self.faults: list[str] = []
        self.loop.set_exception_handler(lambda _, context: self.faults.append(str(context)))
        self.errors = _Errors()
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self.errors)
            logging.getLogger(name).propagate = False
        self.app = _make_app()
        self.server = MemoryServer(self.app)
        self.loop.run_until_complete(self.server.__aenter__())
        self.state: ProcessState = process_state(self.server._config, self.server._state, self.loop)

    def play(self, program: _Program) -> None:
        self.loop.run_until_complete(self._play(program))

    async def _play(self, program: _Program) -> None:
        neighbour = self.server.connect()
        neighbour.write(OPENING % (b"/echo", b""))
        await _turns()
        peers = [_Peer(self.server) for _ in range(PEERS)]
        for _ in range(MAX_STEPS):
            if program.is_over:
                break
            number = program.byte()
            if number >= 250:
                self.loop.passed += 1
                self.state.sweep.look(self.loop.time())
                # It has to answer, or the server rightly drops it when a Ping times out.
                await self._check_neighbour(neighbour)
            else:
                peer = peers[number % PEERS]
                try:
                    _STEPS[number // PEERS % len(_STEPS)](peer, program)
                except ConnectionResetError:
                    peer.renew(program)
            await _turns()
        await self._check_neighbour(neighbour)
        neighbour.reset()
        await self._fall_silent()
        self._check_nothing_is_left()

    async def _check_neighbour(self, neighbour: MemoryConnection) -> None:
        neighbour.write(client_frame(1, b"still here"))
        for _ in range(200):
            await asyncio.sleep(0)
        written = neighbour.transport.give(1 << 20)
        assert written.endswith(b"\x81\x0astill here"), f"the neighbour got {written!r}"

    async def _fall_silent(self) -> None:
        """Pass all deadlines.

        A peer whose messages are not read cannot answer a Ping. If it does not acknowledge the Ping, the operating
        system breaks the connection off, which replaces the deadline.
        """
        await self._pass_deadlines()
        for connection in tuple(self.state.connections):
            if isinstance(connection, WebsocketProtocol) and connection._reading.reader.unparsed >= READ_AHEAD:
                connection._transport.break_off(TimeoutError("no Ping was acknowledged"))  # type: ignore[attr-defined]
        await self._pass_deadlines()

    async def _pass_deadlines(self) -> None:
        for _ in range(PAUSES):
            if not self.state.connections and not self.state.requests:
                break
            self.loop.passed += PAUSE
            self.state.sweep.look(self.loop.time())
            await _turns(10 * TURNS)

    def _check_nothing_is_left(self) -> None:
        assert not self.state.connections, (
            f"connections are left: {[_describe(each) for each in self.state.connections]}"
        )
        assert not self.state.requests, f"tasks are left: {self.state.requests}"
        self.state.memory.add_up((), 0.0)
        assert (self.state.memory.held, self.state.memory.paused) == (0, 0), "bytes are left"
        assert not self.state.memory.is_scarce, "new connections are still refused"
        assert not self.faults, self.faults
        assert not self.errors.said, self.errors.said


def _describe(connection: Any) -> str:
    return f"{type(connection).__name__} in {connection.phase}, which holds {connection.held()} bytes"


async def _turns(count: int = TURNS) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def check(data: bytes) -> None:
    """Run the program in the bytes.

    Raises:
        AssertionError: a neighbour is not served, or state is left.
        Exception: any exception that the peers have caused.
    """
    _server().play(_Program(data))


@cache
def _server() -> _Server:
    return _Server()


def _make_app() -> App:
    app = App("fuzzing")
    app.config.server.max_memory = 8 * MIB
    app.config.server.max_connections = 100
    app.config.websocket.compression = "deflate"
    _add_sockets(app)
    _add_pages(app)
    return app


def _add_sockets(app: App) -> None:
    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.websocket("/deaf")
    async def deaf() -> None:
        await websocket.accept()
        await websocket.wait_closed()

    @app.websocket("/mute")
    async def mute() -> None:
        await asyncio.Event().wait()

    @app.websocket("/burst")
    async def burst() -> None:
        for _ in range(30):
            await websocket.send(bytes(100_000))

    @app.websocket("/farewell")
    async def farewell() -> None:
        await websocket.send("bye")
        await websocket.close(4000, "enough")

    @app.websocket("/slow")
    async def slow() -> None:
        async for _ in websocket:
            for _ in range(20):
                await asyncio.sleep(0)


def _add_pages(app: App) -> None:
    @app.route("/page")
    async def page() -> str:
        return "a page"

    @app.route("/large")
    async def large() -> bytes:
        return bytes(300_000)

    @app.route("/drip")
    async def drip() -> Any:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(10):
                await asyncio.sleep(0)
                yield bytes(5000)

        return stream(pieces())

    @app.route("/body", methods=["get", "post"])
    async def body() -> str:
        return str(len(await request.body))

    @app.route("/pieces", methods=["get", "post"])
    async def pieces() -> str:
        count = 0
        async for piece in request.body:
            count += len(piece)
            await asyncio.sleep(0)
        return str(count)

    @app.route("/ignore", methods=["get", "post"])
    async def ignore() -> str:
        for _ in range(10):
            await asyncio.sleep(0)
        return ""


def seeds() -> Iterator[bytes]:
    """Yield programs as seeds: each kind of step alone, on each kind of socket and page."""
    steps = [number * PEERS for number in range(len(_STEPS))]
    opened = 1 * PEERS
    for path in range(len(SOCKETS)):
        for step in steps[3:9]:
            yield bytes((opened, path, 1, step, 2, 3, 4, step, 1, 1, 1, 250))
    for path in range(len(PAGES)):
        for step in steps[9:12]:
            yield bytes((0, 1, step, path, 7, 6, steps[12], 3, 0, steps[14], 2, 250, steps[15]))
