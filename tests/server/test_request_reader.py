"""The reading half of an HTTP connection: how much work it does before others have their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emmett import App, request, websocket
from emmett.server import request_reader
from emmett.server.request_reader import BYTES_PER_PIECE, HEAD_WORK, MAX_WORK, SLICE, _new_parser
from tests.integration.hostile import request_of
from tests.integration.raw_client import upgrade_request
from tests.server.http_peer import Peer, settled
from tests.wire.frame_maker import TEXT, client_frame

# The most that a slice can contain: chunks of one byte, which have six bytes with their frame.
MOST_AT_ONCE = MAX_WORK + SLICE // 6 + SLICE // BYTES_PER_PIECE
# What one wake-up of uvloop reads: 32 reads, unless the transport is paused in between.
READS, READ = 32, 64 * 1024
CHUNKED = request_of(b"Transfer-Encoding: chunked", line=b"POST /%b HTTP/1.1")
FORM = b"Content-Type: application/json"


class Counted:
    """A connection whose work is counted between two turns of the loop, as the reader's callbacks tell it."""

    def __init__(self) -> None:
        app = App(__name__)
        app.config.http.max_body_size = 2**30
        self.bodies: list[int] = []

        @app.route("/ignored", methods="post")
        async def ignored() -> str:
            return "done"

        @app.route("/read", methods="post")
        async def read() -> str:
            self.bodies.append(len(await request.body))
            return "done"

        @app.route("/json", methods="post")
        async def form() -> dict[str, object]:
            return dict(await request.body_params)

        self.peer = Peer(app)
        self.work = self.most = 0
        http = self.peer.http
        for name in ("on_body", "on_header", "on_message_begin"):
            setattr(http, name, self._counting(getattr(http, name)))
        # httptools looks up its callbacks when it is created.
        http.parser = _new_parser(http)
        next_turn = http._next_turn

        def take_turn() -> None:
            # The loop has run all other callbacks meanwhile.
            self.work = 0
            next_turn()

        http._next_turn = take_turn  # type: ignore[method-assign]

    def _counting(self, callback: Callable[..., None]) -> Callable[..., None]:
        def count(*values: object) -> None:
            self.work += 1
            self.most = max(self.most, self.work)
            callback(*values)

        return count

    async def send(self, data: bytes) -> None:
        """Send bytes as uvloop hands them on: many reads at a stretch, as long as the transport is not paused."""
        position = 0
        idle = 0
        while position < len(data) and not self.peer.is_closing():
            for _ in range(READS):
                if not self.peer.is_reading() or position >= len(data):
                    break
                self.peer.protocol.data_received(data[position : position + READ])
                position += READ
                idle = 0
            await asyncio.sleep(0)
            self.work = 0
            idle += 1
            assert idle < 1000, "the connection is no longer read"
        for _ in range(len(data) // SLICE + 20):
            await asyncio.sleep(0)
            self.work = 0


def chunks(sizes: list[int]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (size, b" " * size) for size in sizes) + b"0\r\n\r\n"


@pytest.mark.parametrize("path", [b"ignored", b"read"])
async def test_chunks_of_one_byte_do_not_block_the_loop(path: bytes) -> None:
    counted = Counted()
    await counted.send(CHUNKED % path + chunks([1] * 400_000))
    assert counted.most <= MOST_AT_ONCE
    assert counted.peer.written.count(b"HTTP/1.1 200 OK") == 1
    assert counted.bodies == ([400_000] if path == b"read" else [])
    await counted.peer.leave()


async def test_chunks_of_a_json_form_do_not_block_the_loop() -> None:
    counted = Counted()
    head = request_of(FORM, b"Transfer-Encoding: chunked", line=b"POST /json HTTP/1.1")
    text = b'{"a":"' + b"x" * 200_000 + b'"}'
    await counted.send(head + b"".join(b"1\r\n%c\r\n" % byte for byte in text) + b"0\r\n\r\n")
    assert counted.most <= MOST_AT_ONCE
    assert counted.peer.written.endswith(text)
    await counted.peer.leave()


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 20_000)), min_size=1, max_size=6),
    st.sampled_from([b"ignored", b"read"]),
    st.integers(1, 3),
)
async def test_no_bytes_block_the_loop(runs: list[tuple[int, int]], path: bytes, times: int) -> None:
    """Chunks of any sizes, in runs of any lengths, over several requests."""
    sizes = [size for size, count in runs for _ in range(min(count, 2_000_000 // size))]
    counted = Counted()
    await counted.send((CHUNKED % path + chunks(sizes)) * times)
    assert counted.most <= MOST_AT_ONCE
    assert counted.peer.written.count(b"HTTP/1.1 200 OK") == times
    await counted.peer.leave()


async def test_large_pieces_count_by_bytes() -> None:
    """A large body comes in few pieces: others have their turn after 256 KiB of it."""
    counted = Counted()
    size = 4 * 1024 * 1024
    head = request_of(b"Content-Length: %d" % size, line=b"POST /ignored HTTP/1.1")
    peer = counted.peer
    peer.protocol.data_received(head)
    await settled()
    taken = 0
    while peer.is_reading():
        peer.protocol.data_received(b"x" * READ)
        taken += READ
    assert MAX_WORK * BYTES_PER_PIECE - READ <= taken <= MAX_WORK * BYTES_PER_PIECE + READ
    await settled()
    assert peer.is_reading()
    await peer.leave()


async def test_heads_count_by_bytes_too() -> None:
    counted = Counted()
    few = MAX_WORK // HEAD_WORK // 4
    await counted.send(request_of(line=b"GET /nowhere HTTP/1.1") * few)
    assert counted.peer.http._work >= few * HEAD_WORK
    await counted.send(request_of(line=b"GET /nowhere HTTP/1.1") * (100 - few))
    for _ in range(20):
        await settled()
    assert counted.peer.written.count(b"HTTP/1.1 404") == 100
    await counted.peer.leave()


async def test_a_peer_may_leave_between_two_turns() -> None:
    counted = Counted()
    counted.peer.protocol.data_received(CHUNKED % b"ignored" + chunks([1] * 10_000))
    assert not counted.peer.is_reading()
    counted.peer.protocol.connection_lost(None)
    await settled()
    assert counted.most <= MOST_AT_ONCE
    assert not counted.peer.state.connections


async def test_an_upgrade_may_come_after_a_turn() -> None:
    """Frames that follow it come after it, however the turns cut."""
    counted = Counted()
    data = CHUNKED % b"ignored" + chunks([1] * 10_000) + upgrade_request("/nowhere") + client_frame(TEXT, b"hello")
    await counted.send(data)
    assert counted.peer.written.count(b"HTTP/1.1 200 OK") == 1
    assert counted.peer.written.count(b"HTTP/1.1 404") == 1
    await counted.peer.leave()


def echoing() -> App:
    """Return an application that answers with all that it sees of a request or a handshake."""
    app = App(__name__)

    @app.route("/<any:path>", methods=["get", "post"])
    async def show(path: str) -> str:
        return repr((request.method, request.raw_path, request.query_string, request.headers.raw, request.http_version))

    @app.websocket("/<any:path>")
    async def talk(path: str) -> None:
        await websocket.send(repr((websocket.path, websocket.query_string, websocket.headers.raw)))

    return app


KEEP_ALIVE = b"Connection: Keep-Alive"
READS_IN_TURN = [
    request_of(line=b"GET /a HTTP/1.1"),
    request_of(line=b"GET /b?c HTTP/1.1"),
    request_of(line=b"GET /%C3%A4 HTTP/1.1"),
    request_of(line=b"GET /a#b HTTP/1.1"),
    request_of(line=b"GET http://localhost/x HTTP/1.1"),
    request_of(line=b"HEAD /a HTTP/1.1"),
    request_of(line=b"GET /a HTTP/1.0"),
    request_of(KEEP_ALIVE, line=b"GET /a HTTP/1.1"),
    request_of(b"Connection: close", line=b"GET /a HTTP/1.1"),
    request_of(b"Content-Length: 0", line=b"POST /a HTTP/1.1"),
    request_of(b"Upgrade: h2c", b"Connection: Upgrade", line=b"GET /a HTTP/1.1"),
    request_of(line=b"GET /a HTTP/1.1") * 2,
    request_of(line=b"GET /a HTTP/1.1") + b"GET /par",
    b"t HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\r\n",
    upgrade_request("/chat"),
    upgrade_request("/other?x"),
    upgrade_request("/chat") + client_frame(TEXT, b"early"),
]


@settings(max_examples=50)
@given(st.lists(st.sampled_from(READS_IN_TURN), min_size=1, max_size=5))
async def test_what_is_taken_without_the_parser_gets_the_answers_of_what_is_parsed(reads: list[bytes]) -> None:
    """A head in two reads is always parsed, a repeated one in one read is not."""
    answers = []
    for cut in (0, 1, 0):
        peer = Peer(echoing())
        for read in reads:
            for part in (read[:cut], read[cut:]):
                if part:
                    peer.protocol.data_received(part)
            await settled()
        answers.append(peer.written)
        await peer.leave()
    assert answers[0] == answers[1] == answers[2]


class Unfed:
    """A parser that cannot be fed."""

    def should_keep_alive(self) -> bool:
        return True


def fail_to_parse(reader: object) -> NoReturn:
    raise AssertionError("the parser was used")


async def test_the_third_equal_head_of_a_connection_needs_no_parser() -> None:
    peer = Peer(echoing())
    for number in range(4):
        peer.protocol.data_received(request_of(line=b"GET /%d HTTP/1.1" % number))
        await settled()
        if number == 1:
            peer.http.parser = Unfed()  # type: ignore[assignment]
    assert peer.written.count(b"HTTP/1.1 200 OK") == 4
    assert b"'/3'" in peer.written
    await peer.leave()


async def test_the_second_equal_handshake_of_a_process_needs_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("/first", "/second?x=1"):
        peer = Peer(echoing())
        peer.protocol.data_received(upgrade_request(path))
        await settled()
        assert peer.written.startswith(b"HTTP/1.1 101 ")
        await peer.leave()
        monkeypatch.setattr(request_reader, "_new_parser", fail_to_parse)
