"""The phases of a websocket connection: the table, its drawing, and that a connection never leaves it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emmett import websocket
from emmett.server.phases import PhaseTable
from emmett.server.websocket_phases import WEBSOCKET_PHASES, WebsocketPhase
from tests.imports import ROOT
from tests.server.protocol_peer import PeerTransport, ProtocolPeer, settled
from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame, close_payload

Transition = tuple[WebsocketPhase, WebsocketPhase]

TABLE = {(before, after) for before, followers in WEBSOCKET_PHASES.transitions.items() for after in followers}


def test_the_design_shows_the_table() -> None:
    design = (ROOT / "docs" / "design.md").read_text("utf-8")
    drawing = f"```mermaid\n{WEBSOCKET_PHASES.drawing()}\n```"
    assert drawing in design, f"docs/design.md must contain this drawing, word for word:\n\n{drawing}"


@pytest.mark.parametrize("phase", WebsocketPhase)
def test_each_phase_can_be_reached_and_can_end(phase: WebsocketPhase) -> None:
    assert phase in reachable(WebsocketPhase.HANDSHAKE)
    assert WebsocketPhase.OVER in reachable(phase)


def reachable(phase: WebsocketPhase) -> set[WebsocketPhase]:
    found, new = {phase}, {phase}
    while new:
        new = {after for before in new for after in WEBSOCKET_PHASES.transitions[before]} - found
        found |= new
    return found


class Walk:
    """A connection that gets events in any order."""

    def __init__(self, half_close: bool) -> None:
        self.commands: asyncio.Queue[str] = asyncio.Queue()
        self.tasks: list[asyncio.Task[str | bytes]] = []
        self.peer = ProtocolPeer(self.handle, transport=PeerTransport(half_close=half_close), inbox_messages=2)
        self.now = 0.0

    async def handle(self) -> None:
        while True:
            match await self.commands.get():
                case "accept":
                    await websocket.accept()
                case "send":
                    await websocket.send("x")
                case "receive":
                    self.tasks.append(asyncio.create_task(websocket.connection.receive()))
                case "close":
                    await websocket.close()
                case "fail":
                    raise LookupError
                case "return":
                    return

    def read(self, data: bytes) -> None:
        """Deliver data, which an open transport may do even if reading was just paused."""
        if not self.peer.transport.is_closing():
            self.peer.protocol.data_received(data)

    def lose(self) -> None:
        if self.peer.protocol.phase not in (WebsocketPhase.LOST, WebsocketPhase.OVER):
            self.peer.transport.closing = True
            self.peer.protocol.connection_lost(None)

    def sweep(self, seconds: float) -> None:
        self.now += seconds
        self.peer.protocol.sweep(self.peer.protocol.began + self.now)

    def happen(self, event: str) -> None:
        protocol, transport = self.peer.protocol, self.peer.transport
        match event:
            case "accept" | "send" | "receive" | "close" | "fail" | "return":
                self.commands.put_nowait(event)
            case "messages":
                self.read(b"".join(client_frame(TEXT, b"x") for _ in range(5)))
            case "flood":
                self.read(client_frame(BINARY, b"x" * 1000) * 100)
            case "pings":
                self.read(client_frame(PING, b"x") * 300 + client_frame(PONG))
            case "close frame":
                self.read(client_frame(CLOSE, close_payload(1000)))
            case "fault":
                self.read(client_frame(CONTINUATION))
            case "stall":
                protocol.pause_writing()
            case "read on":
                protocol.resume_writing()
            case "hang up":
                transport.hung_up = True
            case "lose":
                self.lose()
            case "sweep":
                self.sweep(0.5)
            case "deadlines pass":
                self.sweep(100)
            case "server stops":
                protocol.shutdown()


EVENTS = [
    *("accept", "send", "receive", "close", "fail", "return"),
    *("messages", "flood", "pings", "close frame", "fault"),
    *("stall", "read on", "hang up", "lose", "sweep", "deadlines pass", "server stops"),
]


async def walk(events: list[str], half_close: bool) -> None:
    """Send events to a connection; finally it is lost, and must have ended."""
    connection = Walk(half_close)
    for event in events:
        connection.happen(event)
        await settled()
    connection.lose()
    for _ in range(3):
        await settled()
        connection.sweep(100)
    await settled()
    for task in connection.tasks:
        task.cancel()
    await asyncio.gather(*connection.tasks, return_exceptions=True)
    assert connection.peer.protocol.phase is WebsocketPhase.OVER
    assert connection.peer.protocol.task is None
    assert connection.peer.ends == 1


def follow(events: list[str], half_close: bool) -> set[Transition]:
    """Walk, and return the transitions, none of which may be outside the table."""
    seen: list[Transition] = []
    original = PhaseTable.follow

    def note(table: Any, before: Any, after: Any) -> Any:
        seen.append((before, after))
        return original(table, before, after)

    logging.disable(logging.CRITICAL)
    PhaseTable.follow = note  # type: ignore[assignment, method-assign]
    try:
        asyncio.run(walk(events, half_close))
    finally:
        PhaseTable.follow = original  # type: ignore[method-assign]
        logging.disable(logging.NOTSET)
    assert set(seen) <= TABLE
    return set(seen)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(EVENTS), max_size=12), st.booleans())
@example(["accept", "stall", "close", "fault", "lose"], True)
def test_a_connection_always_follows_the_table(events: list[str], half_close: bool) -> None:
    follow(events, half_close)


WAYS = {
    "accepted, and lost": ["accept", "lose"],
    "refused": ["fail"],
    "lost before the answer": ["lose"],
    "hung up before the answer": ["flood", "hang up", "sweep"],
    "server stops": ["accept", "messages", "server stops", "lose"],
    "hung up": ["accept", "flood", "hang up", "sweep", "return"],
    "hung up, all read": ["accept", "flood", "hang up", "sweep", "lose"],
    "hung up while draining": ["accept", "flood", "server stops", "hang up", "sweep"],
    "closed": ["accept", "close", "close frame"],
    "closed, lost": ["accept", "close", "lose"],
    "closed while stalled": ["accept", "stall", "close", "read on"],
    "closed while stalled, dropped": ["accept", "stall", "close", "close frame"],
    "closed while stalled, lost": ["accept", "stall", "close", "lose"],
    "fault": ["accept", "fault", "deadlines pass"],
    "fault, the peer leaves": ["accept", "fault", "lose"],
    "the peer closes": ["accept", "close frame"],
    "draining: closed": ["accept", "messages", "server stops", "close"],
    "draining: closed while stalled": ["accept", "messages", "stall", "server stops", "close"],
    "draining: the peer closes": ["accept", "messages", "close frame", "server stops", "sweep"],
    "draining: fault": ["accept", "messages", "fault", "server stops", "receive", "receive", "receive", "receive"],
}


def test_each_transition_of_the_table_occurs() -> None:
    reached: set[Transition] = set()
    for events in WAYS.values():
        for half_close in (False, True):
            reached |= follow(events, half_close)
    assert reached == TABLE
