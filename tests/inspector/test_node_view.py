"""What one process answers about itself."""

from __future__ import annotations

import asyncio
import os
import platform

import pytest

from emmett import App, WebsocketClosed, websocket
from emmett.engine import ENGINE
from emmett.inspector.answers import Done, NodeOverview
from emmett.inspector.node_view import CannotAnswer, NodeView, describe_end
from emmett.inspector.questions import AskClose, AskDrain, AskOverview, AskWatch
from tests.channels.kit import until
from tests.integration.servers import run_emmett


def make() -> tuple[App, NodeView]:
    app = App(__name__)
    view = NodeView(app, ("own",), payloads=False)
    app.observers.add(view.live)
    app.background(view.run)

    @app.websocket("/own")
    async def own() -> None:
        await websocket.send("ready")
        await websocket.wait_closed()

    @app.websocket("/other")
    async def other() -> None:
        await websocket.send("ready")
        await websocket.wait_closed()

    return app, view


async def test_a_node_reports_its_state() -> None:
    app, view = make()
    async with app.test_client_async():
        await until(lambda: view._tails is not None)
        overview = await view.answer(AskOverview(), lambda _: None)
        assert isinstance(overview, NodeOverview)
        assert (overview.engine, overview.python) == (ENGINE, platform.python_version())
        assert (overview.connections, overview.brokers, overview.slow) == (0, [], [])
        assert overview.resident is None or overview.resident > 1_000_000
        assert (view.node.pid, len(view.node.id)) == (os.getpid(), 8)


async def test_only_the_default_server_is_drained_from_inside() -> None:
    app, view = make()
    async with app.test_client_async():
        with pytest.raises(CannotAnswer, match="send it SIGTERM"):
            await view.answer(AskDrain(), lambda _: None)


async def test_a_node_can_be_drained() -> None:
    app, view = make()
    async with run_emmett(app) as running:
        assert await view.answer(AskDrain(), lambda _: None) == Done("draining")
        assert running.server is not None
        await until(lambda: running.server is not None and running.server.should_exit)


async def test_connections_of_the_inspector_are_not_watched() -> None:
    app, view = make()
    async with (
        app.test_client_async() as client,
        client.websocket("/own") as own,
        client.websocket("/other") as other,
    ):
        assert [await own.receive(), await other.receive()] == ["ready", "ready"]
        numbers = {live.route: number for number, live in view.live._connections.items()}
        with pytest.raises(CannotAnswer, match="each report would cause another"):
            await view.answer(AskWatch(numbers["own"], "tail"), lambda _: None)
        assert await view.answer(AskWatch(numbers["other"], "tail"), lambda _: None) == Done("watching")
        assert await view.answer(AskWatch(numbers["other"], "tail", stop=True), lambda _: None) == Done("stopped")
        for number in range(32):
            await view.answer(AskWatch(numbers["other"], f"tail {number}"), lambda _: None)
        with pytest.raises(CannotAnswer, match="the maximum number of connections"):
            await view.answer(AskWatch(numbers["other"], "one more"), lambda _: None)
        with pytest.raises(CannotAnswer, match="payloads are not shown"):
            await view.answer(AskWatch(numbers["other"], "tail", payloads=True), lambda _: None)
        with pytest.raises(CannotAnswer, match="there is no connection"):
            await view.answer(AskWatch(10**9, "tail"), lambda _: None)


async def test_before_it_starts_a_node_refuses_to_watch() -> None:
    app, view = make()
    with pytest.raises(CannotAnswer, match="starting or stopping"):
        await view.answer(AskWatch(1, "tail"), lambda _: None)
    assert app.table.drain is None


async def test_a_connection_can_be_closed() -> None:
    app, view = make()
    async with app.test_client_async() as client, client.websocket("/other") as peer:
        assert await peer.receive() == "ready"
        (number,) = view.live._connections
        assert await view.answer(AskClose(number, 4000, "x"), lambda _: None) == Done("closing with 4000")
        with pytest.raises(WebsocketClosed):
            await peer.receive()
        await until(lambda: not view._closing)
        await until(lambda: len(view.live) == 0)


@pytest.mark.parametrize(
    ("code", "reason", "text"),
    [(None, "", "it has ended"), (1000, "", "it has ended with 1000"), (4000, "bye", "it has ended with 4000: bye")],
)
def test_the_end_of_a_connection_is_reported(code: int | None, reason: str, text: str) -> None:
    assert describe_end(code, reason) == text


async def test_nothing_is_left_running() -> None:
    app, view = make()
    async with app.test_client_async():
        await until(lambda: view._tails is not None)
    assert view._tails is None
    assert len(asyncio.all_tasks()) == 1
