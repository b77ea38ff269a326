"""Handlers whose clients have left: they can find out, are cancelled after the grace, and leave nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from emmett import App, request
from tests.integration.hostile import request_of
from tests.server.http_peer import Peer, later, settled


def polls(**options: Any) -> tuple[App, list[str]]:
    """An application whose handlers wait forever, with records of how they ended."""
    app = App(__name__)
    notes: list[str] = []

    @app.route("/poll", methods=["get", "post"], **options)
    async def poll() -> str:
        notes.append("waits")
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            notes.append("cancelled")
            raise
        return "never"

    return app, notes


POLL = request_of(line=b"GET /poll HTTP/1.1")


async def test_a_handler_is_cancelled_after_the_grace() -> None:
    app, notes = polls()
    peer = Peer(app)
    await peer.send(POLL)
    peer.http.connection_lost(None)
    await settled()
    # The connection counts as long as its handler runs.
    assert len(peer.state.connections) == len(peer.state.requests) == 1
    peer.sweep.look(later(9.9))
    await settled()
    assert notes == ["waits"]
    peer.sweep.look(later(10.1))
    await settled()
    assert notes == ["waits", "cancelled"]
    assert not peer.state.connections
    assert not peer.state.requests
    assert not peer.state.connections


async def test_five_thousand_abandoned_polls_leave_nothing() -> None:
    app, notes = polls()
    peer = Peer(app)
    others = [Peer(app, peer.state) for _ in range(4_999)]
    for each in (peer, *others):
        each.protocol.data_received(POLL)
    await settled()
    assert len(peer.state.requests) == 5_000
    for each in (peer, *others):
        each.protocol.connection_lost(None)
    peer.sweep.look(later(10.1))
    await settled()
    assert notes.count("cancelled") == 5_000
    assert not peer.state.requests
    assert not peer.state.connections
    assert not peer.state.connections


async def test_abandoned_polls_count_as_connections() -> None:
    app, _ = polls()
    app.config.server.max_connections = 2
    peers = [Peer(app)]
    peers += [Peer(app, peers[0].state)]
    for peer in peers:
        await peer.send(POLL)
        peer.http.connection_lost(None)
    third = Peer(app, peers[0].state)
    await third.send(POLL)
    assert third.written.startswith(b"HTTP/1.1 503 ")
    third.http.connection_lost(None)
    peers[0].sweep.look(later(10.1))
    await settled()
    assert not peers[0].state.connections


async def test_a_route_without_a_grace_runs_to_its_end() -> None:
    app, notes = polls(disconnect_grace=None)
    peer = Peer(app)
    await peer.send(POLL)
    peer.http.connection_lost(None)
    peer.sweep.look(later(1_000_000.0))
    await settled()
    assert notes == ["waits"]
    (task,) = peer.state.requests
    task.cancel()
    await settled()
    assert not peer.state.connections


async def test_a_route_may_have_another_grace() -> None:
    app, notes = polls(disconnect_grace=2.0)
    peer = Peer(app)
    await peer.send(POLL)
    peer.http.connection_lost(None)
    peer.sweep.look(later(2.1))
    await settled()
    assert notes == ["waits", "cancelled"]


async def test_a_handler_that_swallows_its_cancellation_is_cancelled_again() -> None:
    app = App(__name__)
    cancelled: list[int] = []

    @app.route("/poll")
    async def stubborn() -> str:
        while len(cancelled) < 2:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                cancelled.append(1)
        return "at last"

    peer = Peer(app)
    await peer.send(POLL)
    peer.http.connection_lost(None)
    for seconds in (10.1, 20.2):
        peer.sweep.look(later(seconds))
        await settled()
    assert len(cancelled) == 2
    assert not peer.state.connections


async def test_a_handler_can_wait_for_its_client_to_leave() -> None:
    app = App(__name__)
    ended: list[str] = []

    @app.route("/poll")
    async def poll() -> str:
        await request.wait_disconnected()
        # Later calls return at once.
        await request.wait_disconnected()
        ended.append("gone")
        return "to nobody"

    peer = Peer(app)
    await peer.send(POLL)
    assert not ended
    await peer.leave()
    assert ended == ["gone"]


async def test_a_task_that_waits_ends_when_the_request_is_answered() -> None:
    app = App(__name__)
    tasks: list[asyncio.Task[None]] = []

    @app.route("/poll")
    async def poll() -> str:
        tasks.append(asyncio.create_task(request.wait_disconnected()))
        await asyncio.sleep(0)
        return "answered"

    peer = Peer(app)
    await peer.send(POLL)
    assert peer.written.endswith(b"answered")
    assert tasks[0].done()
    await peer.leave()


async def test_a_cancelled_wait_leaves_nothing() -> None:
    app = App(__name__)

    @app.route("/poll")
    async def poll() -> str:
        waiting = asyncio.create_task(request.wait_disconnected())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        return "answered"

    peer = Peer(app)
    await peer.send(POLL)
    assert peer.written.endswith(b"answered")
    assert not peer.http._presence.waiters
    await peer.leave()


async def test_the_handler_of_a_broken_body_has_its_grace_too() -> None:
    """Its peer gets a 400, and must not keep the handler busy."""
    app, notes = polls()
    peer = Peer(app)
    await peer.send(request_of(b"Transfer-Encoding: chunked", line=b"POST /poll HTTP/1.1"))
    await peer.send(b"x\r\n")
    assert peer.written.startswith(b"HTTP/1.1 400 ")
    peer.http.connection_lost(None)
    await settled()
    assert len(peer.state.connections) == 1
    peer.sweep.look(later(10.1))
    await settled()
    assert notes == ["waits", "cancelled"]
    assert not peer.state.connections


@pytest.mark.parametrize("pause", [lambda peer: peer.http.flow.pause_reading(2), lambda peer: None])
async def test_a_departure_is_noticed_while_the_connection_is_not_read(pause: Callable[[Peer], None]) -> None:
    """There is no event for it, so the socket is checked."""
    app, _ = polls()
    peer = Peer(app)
    await peer.send(POLL)
    pause(peer)
    hung_up = not peer.is_reading()
    peer._extra = {"hung_up": hung_up}  # type: ignore[attr-defined]
    peer.http.sweep(later(1.0))
    assert peer.is_aborted() is hung_up
    peer.http.connection_lost(None)
    peer.sweep.look(later(10.1))
    await settled()


async def test_a_stop_does_not_wait_longer_than_the_grace() -> None:
    app, notes = polls()
    peer = Peer(app)
    await peer.send(POLL)
    peer.http.connection_lost(None)
    for connection in list(peer.state.connections):
        connection.shutdown()
    peer.sweep.look(later(10.1))
    await settled()
    assert notes == ["waits", "cancelled"]
    assert not peer.state.connections
    assert not peer.state.requests
