"""Promises about a server that goes away and comes back, with or without its data."""

from __future__ import annotations

import asyncio
import contextlib

from ...channels.publication import Position
from ...errors import BrokerUnavailable
from ..deadline import deadline
from .history import fill, payloads, read
from .kit import Hooks, Node, Nodes, contract_test
from .lifecycle import every_call, expect_nothing_left, open_sockets


async def recover(nodes: Nodes, *lost: Node) -> None:
    """Bring the server back, and wait until everything works."""
    await nodes.restart()
    for node in lost:
        await node.until_restored()


class OutageContract(Hooks):
    """Loss of the server; skipped without the hooks `kill` and `restart`, or `freeze` and `thaw`."""

    @contract_test
    async def test_start_without_a_server(self, nodes: Nodes) -> None:
        self.needs("kill", "restart")
        node = await nodes.make()
        await nodes.kill()
        tasks = asyncio.all_tasks()
        await node.fails(node.broker.start(node))
        await expect_nothing_left(self.ends_within, tasks)
        await nodes.restart()
        await node.start()
        await node.subscribe(nodes.name())
        await node.publish(nodes.name(), b"one")
        assert await node.payloads(1) == [b"one"]

    @contract_test
    async def test_calls_while_the_server_is_away(self, nodes: Nodes) -> None:
        self.needs("kill", "restart")
        node = await nodes.start()
        await node.subscribe(nodes.name("kept"))
        await nodes.kill()
        await node.until_lost()
        await asyncio.gather(*(node.fails(call) for call in every_call(node.broker, nodes.name("new"))))
        await recover(nodes, node)
        # A subscribe that was refused meanwhile has not happened.
        await node.publish(nodes.name("new"), b"not subscribed to")
        await node.publish(nodes.name("new:1"), b"not subscribed to")
        await node.publish(nodes.name("kept"), b"subscribed to")
        assert await node.payloads(1) == [b"subscribed to"]
        await node.expect_silence()
        for call in every_call(node.broker, nodes.name("new")):
            await node.call(call)

    @contract_test
    async def test_calls_under_way_when_the_server_goes(self, nodes: Nodes) -> None:
        """They are answered, or raise BrokerUnavailable; none hangs, none raises anything else."""
        self.needs("kill", "restart")
        node = await nodes.start()
        # One set of calls before the server goes away, and many while it does.
        waiting = [asyncio.ensure_future(call) for _ in range(50) for call in every_call(node.broker, nodes.name())]
        await nodes.kill()
        waiting += [asyncio.ensure_future(call) for call in every_call(node.broker, nodes.name())]
        for call in waiting:
            await node.ends(call)
        await nodes.restart()

    @contract_test
    async def test_lost_and_restored(self, nodes: Nodes) -> None:
        """When `restored` is called, subscriptions work again, and each loss was reported once before."""
        self.needs("kill", "restart")
        node, other = await nodes.start_two()
        channels = [nodes.name(f"many:{number}") for number in range(300)]
        await node.subscribe(*channels, nodes.name("few:*"))
        await other.subscribe(nodes.name("few:1"))
        assert node.changes == []
        for _ in range(2):
            node.changes.clear()
            other.changes.clear()
            await nodes.kill()
            await node.until_lost()
            await other.until_lost()
            await recover(nodes, node, other)
            for channel in channels[::30]:
                await other.publish(channel, b"again")
            # There is no order between channels, which may be on several servers.
            assert sorted(heard.channel for heard in await node.take(10)) == sorted(channels[::30])
            await node.publish(nodes.name("few:1"), b"pattern")
            assert [(heard.subscribed, heard.channel) for heard in await node.take()] == [
                (nodes.name("few:*"), nodes.name("few:1"))
            ]
            assert await other.payloads(1) == [b"pattern"]
            await node.expect_silence()
            await other.expect_silence()

    @contract_test
    async def test_heard_from_restored_on(self, nodes: Nodes) -> None:
        """The very next publication of any node is heard."""
        self.needs("kill", "restart")
        node, other = await nodes.start_two()
        channels = [nodes.name(number) for number in range(50)]
        await node.subscribe(*channels)
        await nodes.kill()
        await node.until_lost()
        await nodes.restart()
        await asyncio.gather(node.until_restored(), self._until_answered(other))
        await asyncio.gather(*(other.publish(channel, b"at once") for channel in channels))
        assert sorted(heard.channel for heard in await node.take(50)) == sorted(channels)

    @contract_test
    async def test_unsubscribe_while_the_server_is_away(self, nodes: Nodes) -> None:
        self.needs("kill", "restart")
        node = await nodes.start()
        await node.subscribe(nodes.name("left"), nodes.name("left:*"), nodes.name("kept"))
        await nodes.kill()
        await node.until_lost()
        await node.unsubscribe(nodes.name("left"), nodes.name("left:*"), nodes.name("unknown"))
        await recover(nodes, node)
        await node.publish(nodes.name("left"), b"left")
        await node.publish(nodes.name("left:1"), b"left")
        await node.publish(nodes.name("kept"), b"kept")
        assert [heard.channel for heard in await node.take()] == [nodes.name("kept")]
        await node.expect_silence()

    @contract_test
    async def test_history_after_an_outage_is_never_silently_wrong(self, nodes: Nodes) -> None:
        """Everything after a position is there, or the gap is reported; no position denotes two publications."""
        self.needs("kill", "restart")
        node, other = await nodes.start_two()
        channel = nodes.name()
        await node.subscribe(channel)
        positions = await fill(other, channel, range(1, 6))
        empty = (await read(node, nodes.name("quiet"))).top
        await node.take(5)
        await nodes.kill()
        await node.until_lost()
        await recover(nodes, node)
        await self._until_answered(other)
        before = await read(node, channel, positions[2])
        assert not before.complete or payloads(before.entries) == [b"4", b"5"]
        after = await other.keep(channel, b"after")
        assert after not in positions, f"{after} denotes two publications"
        assert after.epoch != positions[0].epoch or after.offset == 6
        assert after.epoch == before.top.epoch
        [heard] = await node.take()
        assert heard.entry == (b"after", after)
        found = await read(other, channel, positions[2])
        assert payloads(found.entries)[-1] == b"after"
        assert payloads(found.entries) == ([b"4", b"5", b"after"] if found.complete else payloads(found.entries))
        for since in (positions[4], Position(positions[0].epoch, 0), empty):
            # `read` checks what must hold if the answer claims to be complete.
            await read(other, channel, since)
        await other.keep(nodes.name("quiet"), b"first")
        quiet = await read(node, nodes.name("quiet"), empty)
        assert payloads(quiet.entries) == [b"first"]
        assert quiet.complete == (quiet.top.epoch == empty.epoch)

    @contract_test
    async def test_publishers_that_try_again(self, nodes: Nodes) -> None:
        """Every publication confirmed during an outage is in the history, or the history has another epoch."""
        self.needs("kill", "restart")
        node = await nodes.start()
        channel, confirmed = nodes.name(), dict[Position, bytes]()
        await node.subscribe(channel)
        under_way = asyncio.Event()

        async def publish() -> None:
            number = 0
            while number < 50 or "restored" not in node.changes:
                try:
                    position = await node.keep(channel, b"%d" % number)
                except BrokerUnavailable:
                    await asyncio.sleep(0.05)
                else:
                    assert position not in confirmed, f"{position} denotes two publications"
                    confirmed[position] = b"%d" % number
                    number += 1
                    if number == 10:
                        under_way.set()
                    await asyncio.sleep(0.002)

        task = asyncio.ensure_future(publish())
        await node.call(under_way.wait())
        await nodes.kill()
        await node.until_lost()
        await recover(nodes, node)
        await task
        found = await read(node, channel)
        kept = {entry.position: entry.payload for entry in found.entries}
        due = {position: payload for position, payload in confirmed.items() if position.epoch == found.top.epoch}
        assert due, "nothing was confirmed after the outage"
        wrong = {position: payload for position, payload in due.items() if kept.get(position) != payload}
        assert not wrong, f"confirmed publications are not in the history: {wrong}"

    @contract_test
    async def test_presence_after_an_outage(self, nodes: Nodes) -> None:
        """A node that joins again is present exactly once."""
        self.needs("kill", "restart")
        node = await nodes.start()
        await node.call(node.broker.join(nodes.name(), "c1", "ada", b"1", 60.0))
        await nodes.kill()
        await node.until_lost()
        await recover(nodes, node)
        await node.call(node.broker.join(nodes.name(), "c1", "ada", b"2", 60.0))
        assert await node.call(node.broker.present(nodes.name())) == {"ada": (b"2", 1)}
        assert await node.call(node.broker.leave(nodes.name(), "c1")) == "ada"

    @contract_test
    async def test_stop_while_the_server_is_away(self, nodes: Nodes) -> None:
        self.needs("kill", "restart")
        node = await nodes.make()
        tasks = asyncio.all_tasks()
        await node.start()
        await node.subscribe(nodes.name())
        await nodes.kill()
        await node.until_lost()
        waiting = [asyncio.ensure_future(node.fails(call)) for call in every_call(node.broker, nodes.name())]
        await asyncio.sleep(0)
        await node.call(node.broker.stop())
        await asyncio.gather(*waiting)
        changes = list(node.changes)
        await expect_nothing_left(self.ends_within, tasks)
        await nodes.restart()
        assert node.changes == changes
        await node.start()
        await node.publish(nodes.name(), b"not subscribed to")
        await node.expect_silence()

    @contract_test
    async def test_a_server_that_does_not_answer(self, nodes: Nodes) -> None:
        """Its connections stay open, and no call hangs; when it continues, everything works again."""
        self.needs("freeze", "thaw")
        node = await nodes.start()
        await node.subscribe(nodes.name())
        await nodes.freeze()
        await asyncio.gather(*(node.fails(call) for call in every_call(node.broker, nodes.name("other"))))
        fresh = await nodes.make()
        await fresh.fails(fresh.broker.start(fresh))
        await nodes.thaw()
        await self._until_answered(node)
        # The connection may have been dropped, and may be reopened now or a little later.
        async with deadline(self.recovers_within, lambda within: f"nothing was heard {within} after it went on"):
            while not any(heard.entry.payload == b"again" for heard in node.reports):
                with contextlib.suppress(BrokerUnavailable):
                    await node.publish(nodes.name(), b"again")
                await asyncio.sleep(0.02)
        await fresh.start()
        for call in every_call(fresh.broker, nodes.name("fresh")):
            await fresh.call(call)

    @contract_test
    async def test_stop_while_the_server_does_not_answer(self, nodes: Nodes) -> None:
        self.needs("freeze", "thaw")
        node = await nodes.make()
        tasks, sockets = asyncio.all_tasks(), open_sockets()
        await node.start()
        await node.subscribe(nodes.name())
        await nodes.freeze()
        # The server need not be asked about an existing subscription.
        other = nodes.name("other")
        waiting = [asyncio.ensure_future(node.fails(call)) for call in every_call(node.broker, other)]
        await asyncio.sleep(0)
        await node.call(node.broker.stop())
        await asyncio.gather(*waiting)
        await expect_nothing_left(self.ends_within, tasks, sockets)

    async def _until_answered(self, node: Node) -> None:
        """Wait until a node is connected again; without subscriptions it need not be notified of losses."""
        async with deadline(self.recovers_within, lambda within: f"check() was not answered {within}"):
            while True:
                try:
                    await node.call(node.broker.check())
                except BrokerUnavailable:
                    await asyncio.sleep(0.02)
                else:
                    return
