"""The inspector on two nodes, with Valkey and NATS between them."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from emmett import WebsocketClosed
from tests.inspector.kit import Node, meet, there_is


async def test_both_nodes_can_be_inspected_and_controlled(broker: str) -> None:
    first, second = Node(broker, payloads=True), Node(broker)
    async with (
        first.app.test_client_async() as here,
        second.app.test_client_async() as there,
        here.websocket("/echo") as echo,
        there.websocket("/live/bob") as bob,
    ):
        await meet(first, second)
        assert await bob.receive() == "ready"
        await echo.send("x")
        assert await echo.receive() == "x"
        report = await second.inspector.nodes()
        assert {status.node.id: status.error for status in report.nodes} == {first.id: "", second.id: ""}
        rows = {row.route: row for row in (await second.inspector.connections()).connections.rows}
        assert (rows["live"].users, rows["echo"].received) == (["bob"], 1)
        channel = await first.inspector.channel("room:1")
        assert channel.members is not None
        assert [row.member for row in channel.members] == ["bob"]
        # Messages of the other node as they pass, until it ends.
        async with contextlib.aclosing(second.inspector.watch(rows["echo"].id, payloads=True)) as watching:
            news = asyncio.create_task(anext(watching))
            await there_is(lambda: len(first.inspector._view._tails or ()) == 1)
            await echo.send("hello")
            assert [each.payload for each in (await news).messages] == ["hello", "hello"]
            assert await second.inspector.close(rows["echo"].id, 4000, "enough") == "closing with 4000"
            assert await echo.receive() == "hello"
            with pytest.raises(WebsocketClosed) as closed:
                await echo.receive()
            assert (closed.value.code, closed.value.reason) == (4000, "enough")
            assert (await anext(watching)).ended == "it has ended with 4000: enough"


async def test_a_program_that_is_no_node_can_ask_too(broker: str) -> None:
    first, second, outside = Node(broker), Node(broker), Node(broker)
    async with first.app.test_client_async(), second.app.test_client_async() as there, there.websocket("/echo"):
        await meet(first, second)
        async with outside.inspector.from_outside() as inspector:
            report = await inspector.nodes()
            assert report.here == ""
            assert {status.node.id for status in report.nodes} == {first.id, second.id}
            (row,) = (await inspector.connections()).connections.rows
            assert row.id.startswith(second.id)
        # The nodes do not count it as one of them.
        assert first.known == {second.id}
