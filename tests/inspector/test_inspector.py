"""The inspector on two nodes, with memory between them; tests/integration/test_inspector_nodes.py has real brokers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from emmett import App, Channels, WebsocketClosed
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.environment import DEVELOP
from emmett.errors import ConfigurationError, UsageError
from emmett.inspector import Inspector
from emmett.inspector.control import reserve
from emmett.inspector.node_view import CannotAnswer
from emmett.inspector.questions import AskChannels, AskConnections, ConnectionFilter
from emmett.observers import EVENTS
from emmett.testing.websocket import TestWebsocket
from emmett.users import MESSAGES
from emmett.websockets.tapping import TappedConnection
from tests.channels.kit import until
from tests.inspector.kit import Node, listening, meet


def two_nodes() -> tuple[Node, Node]:
    bus = MemoryBus()
    return Node(MemoryBroker(bus), payloads=True), Node(MemoryBroker(bus))


@contextlib.asynccontextmanager
async def echo_on_another_node() -> AsyncIterator[tuple[Node, Node, str, TestWebsocket]]:
    """Open a websocket on the second of two nodes; yield both, the ID of the connection, and its client."""
    first, second = two_nodes()
    async with (
        first.app.test_client_async(),
        second.app.test_client_async() as there,
        there.websocket("/echo") as echo,
    ):
        await meet(first, second)
        (row,) = (await first.inspector.connections()).connections.rows
        yield first, second, row.id, echo


async def test_the_inspector_covers_all_nodes() -> None:
    first, second = two_nodes()
    async with (
        first.app.test_client_async() as here,
        second.app.test_client_async() as there,
        here.websocket("/live/ann") as ann,
        there.websocket("/live/bob") as bob,
        there.websocket("/echo") as echo,
    ):
        await meet(first, second)
        assert [await ann.receive(), await bob.receive()] == ["ready", "ready"]
        await echo.send("x")
        assert await echo.receive() == "x"
        report = await first.inspector.nodes()
        assert report.here == first.id
        assert {status.node.id for status in report.nodes} == {first.id, second.id}
        overviews = {status.node.id: status.overview for status in report.nodes}
        for node, connections in ((first, 1), (second, 2)):
            overview = overviews[node.id]
            assert overview is not None
            assert (overview.connections, overview.can_drain, overview.is_draining) == (connections, False, False)
            assert overview.brokers[0].ok
            assert overview.brokers[0].broker == "MemoryBroker"
        found = await second.inspector.connections()
        assert (found.connections.matching, found.connections.total) == (3, 3)
        assert {row.route for row in found.connections.rows} == {"live", "echo"}
        users = {tuple(row.users): row for row in found.connections.rows}
        assert set(users) == {("ann",), ("bob",), ()}
        assert (users[()].received, users[()].sent, users[()].path) == (1, 1, "/echo")
        assert users["ann",].id.startswith(first.id)
        only = await first.inspector.connections(AskConnections(ConnectionFilter(user="bob")))
        assert [row.users for row in only.connections.rows] == [["bob"]]
        assert (only.connections.matching, only.connections.total) == (1, 3)


async def test_channels_of_all_nodes_are_counted_together() -> None:
    first, second = two_nodes()
    async with (
        first.app.test_client_async() as here,
        second.app.test_client_async() as there,
        here.websocket("/live/ann") as ann,
        there.websocket("/live/ann") as again,
    ):
        await meet(first, second)
        assert [await ann.receive(), await again.receive()] == ["ready", "ready"]
        await ann.send("hello")
        assert [await ann.receive(), await again.receive()] == ["hello", "hello"]
        report = await first.inspector.list_channels()
        (row,) = report.channels.rows
        assert (row.name, row.subscribers, row.nodes, row.history, row.presence) == ("room:1", 2, 2, 10, True)
        everything = await first.inspector.list_channels(AskChannels(internal=True))
        assert "emmett-inspector:all" in [row.name for row in everything.channels.rows]
        channel = await first.inspector.channel("room:1", payloads=True)
        assert channel.history is not None
        assert [kept.message.payload for kept in channel.history] == ["hello"]
        assert channel.members is not None
        assert [(row.member, row.connections, row.info) for row in channel.members] == [("ann", 2, '{"colour":"red"}')]
        with pytest.raises(CannotAnswer, match="payloads are not shown"):
            await second.inspector.channel("room:1", payloads=True)
        hidden = await second.inspector.channel("room:1")
        assert hidden.history is not None
        assert hidden.members is not None
        assert [kept.message.payload for kept in hidden.history] == [None]
        assert [row.info for row in hidden.members] == [None]


async def test_a_connection_of_another_node_is_closed() -> None:
    async with echo_on_another_node() as (first, second, connection, echo):
        assert await first.inspector.close(connection, 4000, "enough") == "closing with 4000"
        with pytest.raises(WebsocketClosed) as closed:
            await echo.receive()
        assert (closed.value.code, closed.value.reason) == (4000, "enough")
        await until(lambda: len(second.inspector._view.live) == 0)
        with pytest.raises(UsageError, match=f"node {second.id}: there is no connection {connection}"):
            await first.inspector.close(connection)


@pytest.mark.parametrize("code", [999, 1005, 1006, 5000])
async def test_an_invalid_close_code_is_refused(code: int) -> None:
    node = Node()
    async with node.app.test_client_async() as client, client.websocket("/echo") as echo:
        await until(lambda: len(node.inspector._view.live) == 1)
        (row,) = (await node.inspector.connections()).connections.rows
        with pytest.raises(UsageError, match=str(code)):
            await node.inspector.close(row.id, code)
        await echo.send("still here")
        assert await echo.receive() == "still here"


async def test_an_invalid_reason_is_refused_for_another_node() -> None:
    async with echo_on_another_node() as (first, _, connection, echo):
        for code, reason in ((1008, "x" * 124), (1008, "é" * 62), (1006, "")):
            with pytest.raises(UsageError, match=r"reason|1006"):
                await first.inspector.close(connection, code, reason)
        await echo.send("still here")
        assert await echo.receive() == "still here"


@pytest.mark.parametrize("name", [f"{MESSAGES}:x", f"{MESSAGES}:*"])
async def test_payloads_of_its_own_channels_are_never_shown(name: str) -> None:
    node = Node(payloads=True)
    async with node.app.test_client_async():
        watching = node.inspector.watch_channel(name, payloads=True)
        news = asyncio.create_task(anext(watching))
        await until(lambda: name in node.channels.running().hub.topics)
        await until(lambda: list(node.channels.running().hub.topics[name].stream.receivers()))
        await node.channels.publish(f"{MESSAGES}:x", "for ann alone", check=False)
        (message,) = (await news).messages
        assert (message.size, message.payload) == (13, None)
        await watching.aclose()
        report = await node.inspector.channel(f"{MESSAGES}:x", payloads=True)
        assert report.history is not None
        assert [kept.message.payload for kept in report.history] == [None]


@pytest.mark.parametrize("connection", ["", "x", "x-", "-1", "x-0", "x-1.5", "x-²", "x-" + "9" * 20])
async def test_an_unknown_connection_is_an_error(connection: str) -> None:
    node = Node()
    async with node.app.test_client_async():
        await listening(node)
        for call in (node.inspector.close(connection), anext(node.inspector.watch(connection))):
            with pytest.raises(UsageError, match="expected an ID"):
                await call


async def test_messages_of_another_node_can_be_watched() -> None:
    first, second = two_nodes()
    async with (
        second.app.test_client_async(),
        first.app.test_client_async() as client,
        client.websocket("/echo") as echo,
    ):
        await meet(first, second)
        (row,) = (await second.inspector.connections()).connections.rows
        assert row.id.startswith(first.id)
        async with contextlib.aclosing(second.inspector.watch(row.id, payloads=True)) as watching:
            first_news = asyncio.create_task(anext(watching))
            await until(lambda: first.inspector._view._tails)
            await until(lambda: len(first.inspector._view._tails or ()) == 1)
            await echo.send("hello")
            await echo.send(b"\x01\x02")
            assert [await echo.receive(), await echo.receive()] == ["hello", b"\x01\x02"]
            news = await first_news
            assert [(each.direction, each.kind, each.size, each.payload) for each in news.messages] == [
                ("received", "text", 5, "hello"),
                ("sent", "text", 5, "hello"),
                ("received", "binary", 2, "0102"),
                ("sent", "binary", 2, "0102"),
            ]
            await echo.close(4321, "done")
            last = await anext(watching)
            assert last.ended == "it has ended with 4321: done"
            with pytest.raises(StopAsyncIteration):
                await anext(watching)
        assert len(first.inspector._view._tails or ()) == 0


async def test_a_tap_is_removed_when_its_viewer_stops() -> None:
    first, second = two_nodes()
    async with (
        second.app.test_client_async(),
        first.app.test_client_async() as client,
        client.websocket("/echo") as echo,
    ):
        await meet(first, second)
        (row,) = (await second.inspector.connections()).connections.rows
        watching = second.inspector.watch(row.id)
        news = asyncio.create_task(anext(watching))
        await until(lambda: len(first.inspector._view._tails or ()) == 1)
        await echo.send("hello")
        assert [message.payload for message in (await news).messages] == [None, None]
        await watching.aclose()
        assert len(first.inspector._view._tails or ()) == 0
        live = first.inspector._view.live.find(int(row.id.rpartition("-")[2]))
        assert live is not None
        assert live.websocket._on_receive is None


async def test_payloads_are_shown_only_where_the_node_allows_it() -> None:
    first, second = two_nodes()
    async with (
        first.app.test_client_async(),
        second.app.test_client_async() as client,
        client.websocket("/echo"),
    ):
        await meet(first, second)
        (row,) = (await first.inspector.connections()).connections.rows
        with pytest.raises(UsageError, match="payloads are not shown"):
            await anext(first.inspector.watch(row.id, payloads=True))
        with pytest.raises(UsageError, match="payloads are not shown"):
            await anext(second.inspector.watch_channel("room:1", payloads=True))


async def test_publications_can_be_watched() -> None:
    first, second = two_nodes()
    async with first.app.test_client_async(), second.app.test_client_async():
        watching = first.inspector.watch_channel("room:1", payloads=True)
        news = asyncio.create_task(anext(watching))
        await until(lambda: "room:1" in first.channels.running().hub.topics)
        await until(lambda: list(first.channels.running().hub.topics["room:1"].stream.receivers()))
        await second.channels.publish("room:1", "hello")
        (message,) = (await news).messages
        assert (message.direction, message.payload) == ("published", "hello")
        await watching.aclose()
        assert first.channels.running().hub.topics["room:1"].users == 0


async def test_the_settings_of_one_node_are_shown() -> None:
    first, second = two_nodes()
    second.app.config.database_password = "hush"
    async with first.app.test_client_async(), second.app.test_client_async():
        await meet(first, second)
        (status,) = (await first.inspector.settings(second.id)).nodes
        assert status.settings is not None
        found = {(row.section, row.name): row.value for row in status.settings}
        assert found["application", "database_password"] == "(hidden)"
        assert found["server", "max_connections"] == "10000"


async def test_the_inspector_does_not_affect_messages_and_publications() -> None:
    node = Node()
    observed = {event for event in EVENTS if getattr(node.app.observers, event)}
    assert observed == {"websocket_opened", "websocket_ended", "send_stalled", "slow_consumer"}
    assert not node.app.observers.counts_bytes
    async with node.app.test_client_async() as client, client.websocket("/echo") as echo:
        await echo.send("x")
        assert await echo.receive() == "x"
        (live,) = node.inspector._view.live._connections.values()
        assert live.websocket._on_receive is None
        assert not isinstance(live.websocket._connection, TappedConnection)


async def test_without_channels_only_this_node_is_shown() -> None:
    app = App(__name__)
    inspector = Inspector(app, is_protected=True)
    async with app.test_client_async():
        await until(lambda: inspector._control)
        assert len((await inspector.nodes()).nodes) == 1
        with pytest.raises(UsageError, match="no channels through which other nodes can be reached"):
            await inspector.close("elsewhere-1")
        with pytest.raises(UsageError, match="has no channels"):
            await inspector.channel("room:1")
        with pytest.raises(UsageError, match="no channels with a broker"):
            await inspector.from_outside().__aenter__()
    with pytest.raises(UsageError, match="has not started"):
        await inspector.nodes()


async def test_channels_made_later_are_found_too() -> None:
    app = App(__name__)
    inspector = Inspector(app, is_protected=True)
    channels = Channels(app, "memory")
    async with app.test_client_async():
        assert inspector.channels is channels
        await until(lambda: "emmett-inspector:all" in channels.running().hub.topics)


async def test_an_application_has_only_one_inspector() -> None:
    node = Node()
    with pytest.raises(ConfigurationError, match="already has an inspector"):
        Inspector(node.app, is_protected=True)
    with pytest.raises(ConfigurationError, match="already declared"):
        reserve(node.channels)


async def test_an_inspector_without_protection_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVELOP, raising=False)
    app = App(__name__)
    Inspector(app, is_protected=False)
    with pytest.raises(ConfigurationError, match=r"pass requires=…, a condition"):
        await app.startup()
    monkeypatch.setenv(DEVELOP, "app:app")
    await app.startup()
    await app.shutdown()
