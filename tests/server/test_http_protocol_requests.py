"""Several requests on one connection: their heads, their bodies, their turns."""

from __future__ import annotations

import asyncio

import pytest

from emmett import App, request
from tests.integration.hostile import Visits, request_of, victim_app
from tests.server.http_peer import Peer, settled


@pytest.mark.parametrize(
    ("attack", "status"),
    [
        (request_of(line=b"GET http://other/ HTTP/1.1"), 400),
        (request_of(line=b"GET * HTTP/1.1"), 400),
        (request_of(line=b"CONNECT localhost:80 HTTP/1.1"), 501),
        (request_of(line=b"GET / HTTP/2.0"), 505),
        (request_of(line=b"GET /" + b"x" * 16_384 + b" HTTP/1.1"), 431),
        (request_of(host=None), 400),
        (request_of(b"Host: localhost"), 400),
        (request_of(host=b"Host: localhost/"), 400),
        (request_of(b"X: \x0b"), 400),
        (request_of(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400),
        (request_of(b"Transfer-Encoding: gzip"), 400),
    ],
)
async def test_a_valid_head_does_not_let_an_invalid_one_pass(attack: bytes, status: int) -> None:
    """A head that equals the previous one is not checked again."""
    visits = Visits()
    peer = Peer(victim_app(visits))
    await peer.send(request_of())
    await peer.send(request_of())
    before = len(peer.written)
    await peer.send(attack)
    assert peer.written[before:].startswith(b"HTTP/1.1 %d " % status)
    assert visits == [("request", "/")] * 2
    await peer.leave()


async def test_equal_heads_may_differ_in_all_but_their_fields() -> None:
    app = victim_app()

    @app.route("/old", methods=["get", "put"])
    async def old() -> str:
        return f"{request.method} {request.http_version} {request.query_params.q}"

    peer = Peer(app)
    for line, body in (
        (b"GET /old?q=1 HTTP/1.1", b"GET 1.1 1"),
        (b"PUT http://localhost/old?q=2 HTTP/1.1", b"PUT 1.1 2"),
        (b"GET /old?q=3 HTTP/1.0", b"GET 1.0 3"),
    ):
        await peer.send(request_of(line=line))
        assert peer.written.endswith(b"\r\n\r\n" + body)
    # HTTP/1.0 does not keep the connection open.
    assert peer.is_closing()
    await peer.leave()


async def test_requests_wait_for_their_turn_and_the_connection_with_them() -> None:
    app = App(__name__)
    release = [asyncio.Event(), asyncio.Event(), asyncio.Event()]

    @app.route("/<int:number>", methods="post")
    async def answer(number: int) -> str:
        await release[number].wait()
        return f"{number}: {(await request.body).decode()}"

    def post(number: int) -> bytes:
        return request_of(b"Content-Length: 1", line=b"POST /%d HTTP/1.1" % number) + b"x"

    peer = Peer(app)
    await peer.send(post(0) + post(1) + post(2))
    assert not peer.is_reading()
    for event in reversed(release[1:]):
        event.set()
    await settled()
    assert not peer.writes
    # The server stops: received requests are answered before the connection closes.
    peer.http.shutdown()
    release[0].set()
    await settled()
    bodies = [written.partition(b"\r\n\r\n")[2] for written in peer.writes]
    assert bodies == [b"0: x", b"1: x", b"2: x"]
    assert [b"connection: close" in written for written in peer.writes] == [False, False, True]
    assert peer.is_closing()
    await peer.leave()


async def test_an_unread_body_pauses_the_connection() -> None:
    app = App(__name__)
    read = asyncio.Event()

    @app.route("/", methods="post")
    async def answer() -> str:
        await read.wait()
        return str(len(await request.body))

    peer = Peer(app)
    await peer.send(request_of(b"Content-Length: 70000", line=b"POST / HTTP/1.1") + b"x" * 60_000)
    assert peer.is_reading()
    await peer.send(b"x" * 9_000)
    assert not peer.is_reading()
    read.set()
    await settled()
    assert peer.is_reading()
    await peer.send(b"x" * 1_000)
    assert peer.written.endswith(b"70000")
    await peer.leave()
