"""Promises about publications with a key: each is made once, and every caller gets its position."""

from __future__ import annotations

import asyncio
import contextlib

from ...channels.brokers.port import KEY_KEPT, Limits
from ...channels.publication import Position
from ...errors import BrokerUnavailable
from ..deadline import deadline
from .history import payloads, read
from .kit import LIMITS, Hooks, Node, Nodes, contract_test


async def once(node: Node, channel: str, payload: bytes, key: str, limits: Limits | None = LIMITS) -> Position | None:
    """Publish with a key."""
    return await node.call(node.broker.publish_once(channel, payload, limits, key))


class OnceContract(Hooks):
    """Publishing once."""

    @contract_test
    async def test_a_key_publishes_once(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        channel = nodes.name()
        await other.subscribe(channel)
        first = await once(node, channel, b"1", "a")
        assert first is not None, "publish_once with limits returned None for a new key"
        assert await once(other, channel, b"2", "a") == first
        assert await once(node, channel, b"3", "another key, of any text: \0 \ud800 *.>") == first._replace(offset=2)
        assert await node.keep(channel, b"4") == first._replace(offset=3)
        assert await once(node, channel, b"5", "a") == first
        assert payloads((await read(other, channel)).entries) == [b"1", b"3", b"4"]
        assert payloads([report.entry for report in await other.take(3)]) == [b"1", b"3", b"4"]
        await other.expect_silence()

    @contract_test
    async def test_a_key_is_one_of_its_channel(self, nodes: Nodes) -> None:
        node = await nodes.start()
        for name in ("one", "two"):
            for _ in range(2):
                await once(node, nodes.name(name), b"1", "a")
            assert payloads((await read(node, nodes.name(name))).entries) == [b"1"]

    @contract_test
    async def test_a_key_without_history(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        channel = nodes.name()
        await other.subscribe(channel)
        for key in ("a", "a", "b", "b"):
            assert await once(node, channel, key.encode(), key, None) is None
        assert payloads([report.entry for report in await other.take(2)]) == [b"a", b"b"]
        await other.expect_silence()
        # Those with history are others.
        assert await once(node, channel, b"c", "a") is not None
        assert await once(node, channel, b"d", "a", None) is None
        assert payloads([report.entry for report in await other.take()]) == [b"c"]
        await other.expect_silence()

    @contract_test
    async def test_a_key_many_times_at_once(self, nodes: Nodes) -> None:
        pair = await nodes.start_two()
        for turn in range(3):
            channel = nodes.name(turn)
            begin = (await read(pair[0], channel)).top
            calls = [once(pair[number % 2], channel, b"%d" % number, "a") for number in range(10)]
            found = await asyncio.gather(*calls)
            assert set(found) == {begin._replace(offset=1)}, f"one publication has several positions: {found}"
            assert (await read(pair[0], channel)).top.offset == 1

    @contract_test
    async def test_a_key_whose_publication_is_no_longer_there(self, nodes: Nodes) -> None:
        node, limits, channel = await nodes.start(), Limits(1, 600.0), nodes.name()
        first = await once(node, channel, b"1", "a", limits)
        last = await node.keep(channel, b"2", limits)
        assert await once(node, channel, b"3", "a", limits) in (first, None)
        assert (await read(node, channel, limits=limits)).top == last

    @contract_test
    async def test_a_key_is_forgotten(self, nodes: Nodes) -> None:
        # The time of the server must be set, as the test cannot wait for so long.
        self.needs("let_pass")
        node, channel = await nodes.start(), nodes.name()
        first = await once(node, channel, b"1", "a")
        assert first is not None
        await self.let_pass(KEY_KEPT - 1)
        assert await once(node, channel, b"2", "a") == first
        await self.let_pass(2)
        assert await once(node, channel, b"3", "a") == first._replace(offset=2)

    @contract_test
    async def test_a_key_whose_answer_was_lost(self, nodes: Nodes) -> None:
        """It is not known whether the first call has published, and it does not matter."""
        self.needs("freeze", "thaw")
        node, channel = await nodes.start(), nodes.name()
        begin = (await read(node, channel)).top
        await nodes.freeze()
        await node.fails(node.broker.publish_once(channel, b"1", LIMITS, "a"))
        await nodes.thaw()
        position: Position | None = None
        async with deadline(self.recovers_within, lambda within: f"publish_once was not answered {within}"):
            while position is None:
                with contextlib.suppress(BrokerUnavailable):
                    position = await once(node, channel, b"2", "a")
                await asyncio.sleep(0.02)
        assert await once(node, channel, b"3", "a") == position == begin._replace(offset=1)
        found = await read(node, channel)
        assert [entry.position for entry in found.entries] == [position]
