"""For any bytes as a request, the HTTP protocol never raises, logs no error, and answers in HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from functools import cache
from typing import Any

import httptools

from compliance.sections import handshake, limits
from emmett import App, websocket
from emmett.errors import HandshakeError, RequestError
from emmett.server import make_config
from emmett.server.http_protocol import HTTPProtocol
from emmett.server.server_config import ServerConfig
from emmett.server.server_state import ServerState
from emmett.wire.extensions import encode_extension, parse_extensions
from emmett.wire.handshake import accept_response, check_upgrade
from emmett.wire.request import check_request
from tests.websockets.memory_transport import MemoryTransport

_TURNS = 4
_MAX_SEED = 1000


class _Transport(MemoryTransport):
    """A transport with the extra information of a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: asyncio.BaseProtocol | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 8000)}.get(name, default)

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class _Errors(logging.Handler):
    """Collects logged errors."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class _Server:
    """One server for all inputs, without a socket."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(self._fail)
        self.faults: list[str] = []
        self.errors = _Errors()
        for name in ("emmett", "uvicorn", "asyncio"):
            logging.getLogger(name).addHandler(self.errors)
            logging.getLogger(name).propagate = False
        self.config: ServerConfig = make_config(_make_app(), configure_logging=False)
        self.config.load()
        self.state = ServerState()

    def _fail(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.faults.append(f"{context.get('message')}: {context.get('exception')!r}")

    def turn(self) -> None:
        """Let the loop run the callbacks that are ready."""
        for _ in range(_TURNS):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()

    def answer(self, pieces: list[bytes]) -> bytes:
        """Return the bytes written to a peer that sends these pieces and leaves."""
        transport = _Transport()
        protocol = HTTPProtocol(self.config, self.state, {}, self.loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        for piece in pieces:
            if not transport.closing:
                # The handshake sets another protocol.
                assert isinstance(transport.protocol, asyncio.Protocol)
                transport.protocol.data_received(piece)
                self.turn()
        transport.closing = True
        assert transport.protocol is not None
        transport.protocol.connection_lost(None)
        self.turn()
        assert not self.state.connections, f"connections are left: {self.state.connections}"
        assert not self.state.requests, f"tasks are left: {self.state.requests}"
        assert not self.faults, self.faults
        assert not self.errors.records, self.errors.records[0].getMessage()
        return transport.written


def check(data: bytes) -> None:
    """Send a request in one or several pieces, whose length is in the first byte.

    Raises:
        AssertionError: the answer is not HTTP, or state is left.
        Exception: any exception that the peer has caused.
    """
    size = data[0] if data else 0
    head = data[1:]
    pieces = [head[start : start + size] for start in range(0, len(head), size)] if size else [head]
    if head:
        written = _server().answer(pieces)
        # An answer to HEAD announces a body that is not sent, which a parser of only responses cannot know.
        if b"HEAD" not in head:
            check_answer(written)
    check_parts(head)


def check_answer(written: bytes) -> None:
    """Check that a server's bytes begin with the heads of responses."""
    if not written:
        return
    assert written.startswith(b"HTTP/1.1 "), written[:80]
    parser = httptools.HttpResponseParser(_Ignore())
    try:
        parser.feed_data(written)
    except httptools.HttpParserUpgrade:
        assert parser.get_status_code() == 101
        assert b"\r\nSec-WebSocket-Accept: " in written


def check_parts(head: bytes) -> None:
    """Check a head's fields directly, including those that the parser would not let pass."""
    line, *lines = head.split(b"\n")
    method, _, rest = line.partition(b" ")
    target, _, version = rest.partition(b" ")
    fields = [(name.lower(), value) for name, _, value in (field.partition(b":") for field in lines)]
    try:
        upgrade = check_upgrade(method, version.decode("latin-1").removeprefix("HTTP/").strip(), fields)
    except HandshakeError as error:
        assert error.status in (400, 405, 426, 431, 505), error.status
    else:
        for subprotocol in (None, *upgrade.subprotocols):
            answer = accept_response(upgrade, subprotocol=subprotocol)
            assert answer.count(b"\r\n") == 5 + (subprotocol is not None), answer
    try:
        check_request(method, "1.1", target, fields)
    except RequestError as error:
        assert 400 <= error.status <= 599, error.status
    try:
        extensions = parse_extensions(head.decode("latin-1"))
    except HandshakeError as error:
        assert error.status == 400, error.status
    else:
        again = parse_extensions(", ".join(map(encode_extension, extensions)))
        assert again == extensions or '"' in head.decode("latin-1"), (extensions, again)


class _Ignore:
    """The callbacks of a parser whose result does not matter."""


@cache
def _server() -> _Server:
    return _Server()


def _make_app() -> App:
    app = App("fuzzing")

    @app.websocket("/plain", compression="deflate")
    async def plain() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.websocket("/chat")
    async def chat() -> None:
        await websocket.accept(subprotocol="chat.v2" if "chat.v2" in websocket.subprotocols else None)

    @app.route("/page", methods=["get", "post"])
    async def page() -> str:
        return "a page"

    return app


def seeds() -> Iterator[bytes]:
    """Yield requests as seeds: the short ones of the conformance cases."""
    for section in (*handshake.SECTIONS[:2], *limits.SECTIONS):
        for number, case in enumerate(section.cases):
            data = b"".join(case.pieces)
            if b"HTTP/1" in data and len(data) < _MAX_SEED:
                yield bytes((0 if number % 2 else 50,)) + data
    yield b"\x00GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2
    yield b"\x07POST /page HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; server_max_window_bits=10\r\n\r\n"
    yield b"\x00" + b"".join(handshake.SECTIONS[0].cases[0].pieces)[:-2] + offer
