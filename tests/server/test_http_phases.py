"""The phases of an HTTP connection: they always follow the table, which the docs draw."""

from __future__ import annotations

import asyncio
import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from emmett import App, request
from emmett.server.http_phases import PHASES, HTTPPhase
from emmett.server.http_protocol import HTTPProtocol
from tests.imports import ROOT
from tests.integration.hostile import request_of
from tests.integration.raw_client import upgrade_request
from tests.server.http_peer import Peer, later, settled

GET = request_of(line=b"GET /now HTTP/1.1")
LATER = request_of(line=b"GET /later HTTP/1.1")
POST = request_of(b"Content-Length: 4", line=b"POST /now HTTP/1.1")
CLOSE = request_of(b"Connection: close", line=b"GET /now HTTP/1.1")
PIECES = {
    "a request": GET,
    "a request that waits": LATER,
    "a part of a head": GET[:-2],
    "the end of a head": b"\r\n",
    "a head of a body": POST,
    "a body": b"body",
    "the last request": CLOSE,
    "an upgrade": upgrade_request("/echo"),
    "an upgrade to nothing": upgrade_request("/nowhere"),
    "a broken request": b"garbage\r\n\r\n",
    "a broken body": request_of(b"Transfer-Encoding: chunked", line=b"POST /later HTTP/1.1") + b"x\r\n",
}
EVENTS = [*PIECES, "an answer", "time", "a full buffer", "room", "a stop", "the peer leaves", "it breaks"]


class Watched:
    """A connection, the handlers that wait on it, and the transitions that it made."""

    def __init__(self) -> None:
        app = App(__name__)
        self.answer = asyncio.Event()

        @app.route("/now", methods=["get", "post"])
        async def now() -> str:
            return "now"

        @app.route("/later", methods=["get", "post"])
        async def wait() -> str:
            await self.answer.wait()
            return request.path

        @app.websocket("/echo")
        async def echo() -> None:
            await self.answer.wait()

        self.peer = Peer(app)
        self.http: HTTPProtocol = self.peer.http
        self.seen: set[tuple[HTTPPhase, HTTPPhase]] = set()
        enter = self.http._enter

        def noting(phase: HTTPPhase) -> None:
            before = self.http.phase
            enter(phase)
            self.seen.add((before, phase))

        self.http._enter = noting  # type: ignore[method-assign]

    async def happen(self, event: str) -> None:
        peer, http = self.peer, self.http
        if self.is_over:
            return
        if event in PIECES:
            if peer.is_reading() and not peer.is_closing():
                peer.protocol.data_received(PIECES[event])
        elif event == "an answer":
            self.answer.set()
            await settled()
            self.answer.clear()
        elif event == "time":
            http.sweep(later(100.0))
        elif event == "a full buffer":
            peer.unsent = 100_000
            http.pause_writing()
        elif event == "room":
            peer.unsent = 0
            http.resume_writing()
        elif event == "a stop":
            http.shutdown()
        elif event == "the peer leaves":
            http.eof_received()
        else:
            http.connection_lost(None)
        await settled()

    @property
    def is_over(self) -> bool:
        return self.http.phase in (HTTPPhase.LOST, HTTPPhase.UPGRADED)

    async def end(self) -> None:
        if self.http.phase is not HTTPPhase.LOST:
            self.peer.protocol.connection_lost(None)
        self.answer.set()
        await settled()
        assert not self.peer.state.connections
        assert not self.peer.state.requests


@settings(max_examples=300)
@given(st.lists(st.sampled_from(EVENTS), max_size=12))
async def test_no_transition_outside_the_table_occurs(events: list[str]) -> None:
    """A transition that is not in the table would raise here."""
    watched = Watched()
    for event in events:
        await watched.happen(event)
        assert watched.http.phase in HTTPPhase
    await watched.end()


WALKS = [
    ["the peer leaves"],
    ["it breaks"],
    ["a part of a head", "the end of a head", "it breaks"],
    ["a part of a head", "time", "time", "it breaks"],
    ["a part of a head", "it breaks"],
    ["a part of a head", "a stop", "time"],
    ["a stop", "a request"],
    ["a request", "a stop"],
    ["a part of a head", "a broken request"],
    ["a request", "a broken request", "the peer leaves"],
    ["a broken request", "it breaks"],
    ["a request that waits", "a part of a head", "an answer"],
    ["a request that waits", "a broken request", "an answer"],
    ["a request that waits", "a broken request", "the peer leaves"],
    ["a request that waits", "a broken request", "it breaks"],
    ["a request that waits", "an upgrade", "an answer"],
    ["a request that waits", "an upgrade", "the peer leaves"],
    ["a request that waits", "an upgrade", "it breaks"],
    ["a request that waits", "the peer leaves"],
    ["a request that waits", "it breaks"],
    ["a head of a body", "a body", "it breaks"],
    ["a head of a body", "it breaks"],
    ["a head of a body", "time"],
    ["the last request", "it breaks"],
    ["an upgrade"],
    ["an upgrade to nothing"],
]


async def test_every_transition_of_the_table_occurs() -> None:
    seen: set[tuple[HTTPPhase, HTTPPhase]] = set()
    for walk in WALKS:
        watched = Watched()
        for event in walk:
            await watched.happen(event)
        await watched.end()
        seen |= watched.seen
    wanted = {(before, after) for before, followers in PHASES.transitions.items() for after in followers}
    # An upgrade in the rest of a head, and chunks that break after their response: pieces of other tests.
    watched = Watched()
    watched.peer.protocol.data_received(upgrade_request("/echo")[:-2])
    watched.peer.protocol.data_received(b"\r\n")
    await watched.end()
    seen |= watched.seen
    watched = Watched()
    watched.peer.protocol.data_received(request_of(b"Transfer-Encoding: chunked", line=b"POST /now HTTP/1.1"))
    await settled()
    watched.peer.protocol.data_received(b"x\r\n")
    await watched.end()
    seen |= watched.seen
    assert {(before.name, after.name) for before, after in wanted - seen} == set()


def test_the_docs_draw_the_table() -> None:
    page = (ROOT / "docs" / "design.md").read_text("utf-8")
    assert f"```mermaid\n{PHASES.drawing()}\n```" in page


async def test_a_refusal_while_closing_is_no_transition() -> None:
    watched = Watched()
    await watched.happen("the last request")
    with contextlib.suppress(AssertionError):
        watched.http.shutdown()
    assert watched.http.phase is HTTPPhase.CLOSING
    await watched.end()
