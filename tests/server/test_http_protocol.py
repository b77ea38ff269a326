"""The HTTP protocol on a transport in memory; for real sockets see tests/integration/test_hostile_....py."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import weakref
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emmett import App, Response, request, stream, websocket
from emmett.errors import RequestError
from emmett.pacing import FIRST_REQUEST_GRACE
from tests.integration.hostile import Visits, request_of, victim_app
from tests.integration.raw_client import upgrade_request
from tests.server.http_peer import Peer, later, settled
from tests.wire.frame_maker import TEXT, client_frame


async def test_the_deadline_of_a_head_begins_with_the_connection() -> None:
    peer = Peer(victim_app())
    await peer.send(request_of()[:-2])
    peer.http.sweep(later(9.9))
    assert not peer.writes
    peer.http.sweep(later(10.1))
    assert peer.written.startswith(b"HTTP/1.1 408 ")
    assert peer.is_closing()
    await peer.leave()


async def test_an_idle_connection_has_its_own_deadline() -> None:
    """It is five seconds; the deadline of a head begins with the first byte of the next head."""
    peer = Peer(victim_app())
    await peer.send(request_of())
    assert peer.written.endswith(b"visited")
    peer.http.sweep(later(4.9))
    await peer.send(b"G")
    peer.http.sweep(later(9.9))
    assert not peer.is_closing()
    await peer.send(b"E")
    peer.http.sweep(later(10.1))
    assert peer.is_closing()
    assert peer.written.count(b"HTTP/1.1 408 ") == 1
    await peer.leave()


async def test_an_idle_connection_is_closed_without_a_response() -> None:
    peer = Peer(victim_app())
    await peer.send(request_of())
    before = peer.written
    peer.http.sweep(later(5.1))
    assert peer.is_closing()
    assert peer.written == before
    await peer.leave()


async def test_a_head_that_began_before_the_response_was_complete_has_its_deadline() -> None:
    app = victim_app()
    answer = asyncio.Event()

    @app.route("/slow")
    async def slow() -> str:
        await answer.wait()
        return "slow"

    peer = Peer(app)
    await peer.send(request_of(line=b"GET /slow HTTP/1.1") + b"GET /next")
    peer.http.sweep(later(1000.0))
    assert not peer.is_closing()
    answer.set()
    await settled()
    peer.http.sweep(later(9.9))
    assert not peer.is_closing()
    peer.http.sweep(later(10.1))
    assert b"HTTP/1.1 408 " in peer.written
    await peer.leave()


async def test_a_closed_connection_is_dropped_if_the_peer_does_not_read() -> None:
    peer = Peer(victim_app())
    peer.unsent = 100_000
    await peer.send(request_of(b"Connection: close"))
    assert peer.is_closing()
    for seconds in (0.0, 29.0):
        peer.http.sweep(later(seconds))
    # As much as the slowest acceptable peer reads in 30 seconds gives it 30 more. A single byte does not count.
    peer.unsent -= 30 * 1024
    for seconds in (29.5, 59.0):
        peer.http.sweep(later(seconds))
        peer.unsent -= 1
    assert not peer.is_aborted()
    peer.http.sweep(later(60.0))
    assert peer.is_aborted()
    await peer.leave()


async def test_a_peer_that_does_not_read_its_response_is_dropped() -> None:
    """This happens after 30 seconds without progress, however large the response is. A slow line is not cut."""
    app = victim_app()

    @app.route("/endless")
    async def endless() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.get_running_loop().create_future()

    peer = Peer(app)
    await peer.send(request_of(line=b"GET /endless HTTP/1.1"))
    peer.unsent = 20_000_000
    peer.http.pause_writing()
    for seconds in (29.0, 58.0, 87.0):
        peer.http.sweep(later(seconds))
        assert not peer.is_aborted()
        peer.unsent -= 40 * 1024
    peer.http.resume_writing()
    peer.http.sweep(later(200.0))
    assert not peer.is_aborted()
    peer.http.pause_writing()
    peer.http.sweep(later(29.0))
    assert not peer.is_aborted()
    peer.http.sweep(later(31.0))
    assert peer.is_aborted()
    await peer.leave()


async def test_the_next_response_is_made_once_the_peer_has_read_the_previous_one() -> None:
    """A peer that does not read can make us hold only one response, however many it requests."""
    app = App(__name__)
    made: list[str] = []

    @app.route("/<str:name>")
    async def large(name: str) -> bytes:
        made.append(name)
        return b"x" * 200_000

    peer = Peer(app)
    write = peer.write

    def write_slowly(data: bytes | bytearray | memoryview) -> None:
        write(data)
        peer.unsent += len(data)
        if not peer.http.flow.write_paused and peer.unsent > 64 * 1024:
            peer.http.pause_writing()

    peer.write = write_slowly  # type: ignore[method-assign]
    await peer.send(b"".join(request_of(line=b"GET /%d HTTP/1.1" % number) for number in range(3)))
    for count in (1, 2, 3):
        assert made == ["0", "1", "2"][:count]
        assert peer.unsent < 201_000
        peer.unsent = 0
        peer.http.resume_writing()
        await settled()
    assert peer.written.count(b"HTTP/1.1 200 OK") == 3
    assert peer.is_reading()
    peer.http.sweep(later(4.0))
    assert not peer.is_closing()
    await peer.leave()


async def test_a_stopping_server_answers_requests_in_progress_and_closes_idle_connections() -> None:
    """Idle connections close at once; requests in progress are answered first."""
    app = App(__name__)
    release = asyncio.Event()

    @app.route("/")
    async def answer() -> str:
        if request.query_string:
            await release.wait()
        return "answered"

    idle, busy = Peer(app), Peer(app)
    await idle.send(request_of())
    await busy.send(b"GET /?slowly HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for peer in (idle, busy):
        peer.http.shutdown()
    assert (idle.is_closing(), busy.is_closing()) == (True, False)
    release.set()
    await settled()
    assert busy.written.endswith(b"\r\n\r\nanswered")
    assert b"\r\nconnection: close\r\n" in busy.written
    assert busy.is_closing()
    for peer in (idle, busy):
        await peer.leave()


async def test_a_client_that_has_just_connected_is_served_while_the_server_stops() -> None:
    app = App(__name__)

    @app.route("/")
    async def index() -> str:
        return "answered"

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    silent, late, halfway, socket = (Peer(app) for _ in range(4))
    await halfway.send(request_of()[:-2])
    for peer in (silent, late, halfway, socket):
        peer.http.shutdown()
        assert not peer.is_closing()
    await late.send(request_of())
    await halfway.send(b"\r\n")
    for peer in (late, halfway):
        assert peer.written.endswith(b"answered")
        assert b"\r\nconnection: close\r\n" in peer.written
        assert peer.is_closing()
    await socket.send(upgrade_request("/echo") + client_frame(TEXT, b"Hello"))
    assert socket.written.startswith(b"HTTP/1.1 101 ")
    assert b"Hello" in socket.written
    assert not socket.is_closing()
    silent.http.sweep(later(FIRST_REQUEST_GRACE - 0.1))
    assert not silent.is_closing()
    silent.http.sweep(later(FIRST_REQUEST_GRACE + 0.1))
    assert silent.is_closing()
    for peer in (silent, late, halfway, socket):
        await peer.leave()


async def test_a_stream_of_events_ends_with_the_server_even_if_its_peer_does_not_read() -> None:
    """The transport closes only after it has written everything, which may be never."""
    app = App(__name__)
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[str]:
        try:
            yield "first"
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    @app.route("/")
    async def feed() -> Response:
        return stream.sse(endless())

    peer = Peer(app)
    await peer.send(request_of())
    assert peer.written.endswith(b"data: first\n\n\r\n")
    peer.unsent = 1000
    peer.http.pause_writing()
    peer.http.shutdown()
    assert peer.is_closing()
    await settled()
    assert ended.is_set()
    assert not peer.state.requests
    await peer.leave()


async def test_the_unread_rest_of_a_body_has_a_deadline() -> None:
    """The response came before the end of the request; the peer may read it, but not send forever."""
    app = victim_app()

    @app.route("/early", methods=["post"])
    async def early() -> str:
        return "early"

    for rest, seconds in ((b"", 30.1), (b"x" * 9, 10.1)):
        peer = Peer(app)
        await peer.send(request_of(b"Content-Length: 10", line=b"POST /early HTTP/1.1") + b"x")
        assert peer.written.endswith(b"early")
        for _ in range(3):
            peer.http.sweep(later(9.9))
            assert not peer.is_closing()
        await peer.send(rest)
        peer.http.sweep(later(seconds - 0.2))
        assert not peer.is_closing()
        peer.http.sweep(later(seconds))
        assert peer.is_closing()
        await peer.leave()


async def test_data_of_a_refused_peer_is_read_for_a_while() -> None:
    """The peer must be able to read the response; its further data is dropped."""
    visits = Visits()
    peer = Peer(victim_app(visits))
    await peer.send(b"garbage\r\n\r\n")
    answer = peer.written
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert peer.ended
    assert not peer.is_closing()
    await peer.send(request_of())
    assert (visits, peer.written) == ([], answer)
    peer.http.sweep(later(10.1))
    assert peer.is_aborted()
    await peer.leave()


async def test_reading_is_paused_while_an_upgrade_waits() -> None:
    """Whatever the previous handler does: data after an upgrade is kept, so it must be no more than one read."""
    app = victim_app()
    answer = asyncio.Event()

    @app.route("/slow", methods=["post"])
    async def slow() -> str:
        await request.body
        await answer.wait()
        return "slow"

    peer = Peer(app)
    await peer.send(request_of(line=b"POST /slow HTTP/1.1") + upgrade_request("/echo") + client_frame(TEXT, b"hello"))
    assert not peer.is_reading()
    answer.set()
    await settled()
    assert peer.is_reading()
    assert peer.written.endswith(b"\r\n\r\n\x81\x05hello")
    await peer.leave()


async def test_an_upgraded_connection_does_not_keep_its_http_protocol() -> None:
    """The protocol would take most of the memory of an idle websocket."""
    peer = Peer(victim_app())
    before = weakref.ref(peer.http)
    gc.collect()
    gc.disable()
    try:
        await peer.send(request_of() + upgrade_request("/echo"))
        assert before() is None
    finally:
        gc.enable()
    await peer.leave()


class Mark:
    """Something that can be watched."""


async def test_an_idle_connection_does_not_keep_the_context_of_its_last_request() -> None:
    """Waiting for the next request in the context of the response would keep that context, with its session."""
    app = App(__name__)
    variable: ContextVar[Mark] = ContextVar("variable")
    marks: list[weakref.ref[Mark]] = []

    @app.route("/")
    async def leave_a_mark() -> str:
        mark = Mark()
        variable.set(mark)
        marks.append(weakref.ref(mark))
        return "visited"

    peer = Peer(app)
    gc.collect()
    gc.disable()
    try:
        await peer.send(request_of())
        assert peer.written.endswith(b"visited")
        assert [mark() for mark in marks] == [None]
    finally:
        gc.enable()
    await peer.leave()


async def test_an_error_of_ours_is_not_blamed_on_the_peer(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise LookupError("a fault of ours")

    peer = Peer(victim_app())
    monkeypatch.setattr(peer.http, "_check_head", fail)
    await peer.send(request_of())
    assert peer.written.startswith(b"HTTP/1.1 400 ")
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [LookupError]
    await peer.leave()


CHUNKS = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: x\r\n\r\n"
STREAM = (
    request_of(line=b"GET /one HTTP/1.1")
    + request_of(b"Transfer-Encoding: chunked", line=b"POST /echo HTTP/1.1")
    + CHUNKS
    + request_of(b"Content-Length: 5", b"Connection: upgrade", b"Upgrade: h2c", line=b"POST /echo HTTP/1.1")
    + b"again"
    + request_of(line=b"HEAD /two HTTP/1.1")
    + b"\r\n"
    + request_of(line=b"GET http://localhost?x HTTP/1.1")
    + upgrade_request("/echo")
    + client_frame(TEXT, b"hello")
    + client_frame(TEXT, b"world")
)


async def answer_to(pieces: list[bytes]) -> bytes:
    visits = Visits()
    peer = Peer(victim_app(visits))
    for piece in pieces:
        await peer.send(piece)
    await peer.leave()
    assert visits == [("request", "/one"), ("request", "/two"), ("request", "/")]
    return peer.written


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
async def test_the_responses_do_not_depend_on_the_pieces_of_a_stream(cuts: list[int]) -> None:
    borders = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in itertools.pairwise(borders)]
    assert await answer_to([piece for piece in pieces if piece]) == await answer_to([STREAM])


REQUESTS = [request_of(), STREAM, upgrade_request("/echo"), request_of(b"Content-Length: 5") + b"hello"]


@st.composite
def broken_streams(draw: st.DrawFn) -> bytes:
    """A valid stream with other bytes in some places."""
    stream = bytearray(draw(st.sampled_from(REQUESTS)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(stream)))
        end = min(len(stream), start + draw(st.integers(0, 20)))
        stream[start:end] = draw(
            st.one_of(st.binary(max_size=10), st.sampled_from([b"\r\n", b"\r\n\r\n", b" ", b":", b"0"]))
        )
    return bytes(stream)


class Loud(logging.Handler):
    """Keeps log records."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@settings(max_examples=300)
@given(st.one_of(broken_streams(), st.binary(max_size=200)))
async def test_no_bytes_cause_a_failure(stream: bytes) -> None:
    """There is no exception, no traceback in the log, and nothing left when the peer has gone."""
    handler = Loud(logging.ERROR)
    loggers = [logging.getLogger(name) for name in ("emmett", "uvicorn")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        peer = Peer(victim_app())
        for start in range(0, len(stream), 64):
            if peer.is_reading() and not peer.is_closing():
                await peer.send(stream[start : start + 64])
        await peer.leave()
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
    assert not handler.records


async def test_the_reason_of_a_refusal_keeps_no_frames() -> None:
    """A refusal lives as long as the connection."""
    peer = Peer(victim_app())
    await peer.send(request_of(host=None))
    assert peer.written.count(b"HTTP/1.1 ") == 1
    refusal = peer.http.refusal
    assert isinstance(refusal, RequestError)
    assert refusal.__traceback__ is None
    await peer.leave()
