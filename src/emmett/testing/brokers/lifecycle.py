"""Promises about starting, stopping and checking, and about bytes that other programs send."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

from ...channels.brokers.port import Broker
from ...channels.publication import Position
from .kit import LIMITS, Heard, Hooks, Node, Nodes, contract_test


def every_call(broker: Broker, channel: str) -> Iterator[Awaitable[Any]]:
    """Make one call of each method that needs the server."""
    yield broker.check()
    yield broker.subscribe([channel])
    yield broker.subscribe([f"{channel}:*"])
    yield broker.publish(channel, b"1", None)
    yield broker.publish(channel, b"1", LIMITS)
    yield broker.publish_once(channel, b"1", None, "key")
    yield broker.publish_once(channel, b"1", LIMITS, "key")
    yield broker.remove_history(channel, LIMITS)
    yield broker.history(channel, None, None, LIMITS)
    yield broker.join(channel, "c1", "ada", b"{}", 60.0)
    yield broker.leave(channel, "c1")
    yield broker.keep(channel, ["c1"], 60.0)
    yield broker.present(channel)
    yield broker.take(channel, 1, 60.0)


def is_position(value: object) -> bool:
    """Return whether a value is a position that a client can return."""
    try:
        return isinstance(value, Position) and Position.parse(str(value)) == value
    except ValueError:
        return False


def open_sockets() -> int | None:
    """Return the number of sockets of the running event loop; None if unknown."""
    selector = getattr(asyncio.get_running_loop(), "_selector", None)
    return None if selector is None else len(selector.get_map())


async def expect_nothing_left(seconds: float, tasks: set[asyncio.Task[Any]], sockets: int | None = None) -> None:
    """Check that after a while no tasks are left, and no more sockets than before."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        left = {task for task in asyncio.all_tasks() - tasks if not task.done()}
        more = 0 if sockets is None else (open_sockets() or 0) - sockets
        if not left and more <= 0:
            return
        assert loop.time() < end, f"after stop() there remain {left} and {max(more, 0)} sockets"
        await asyncio.sleep(0.01)


class Recording(logging.Handler):
    """Keeps log records of level warning or higher."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)


@contextmanager
def recording() -> Iterator[Recording]:
    """Keep what is logged while the block runs, even if the loggers of emmett are configured."""
    found, root, ours = Recording(), logging.getLogger(), logging.getLogger("emmett")
    before = ours.propagate, ours.level
    ours.propagate = True
    ours.setLevel(logging.WARNING)
    root.addHandler(found)
    try:
        yield found
    finally:
        root.removeHandler(found)
        ours.propagate = before[0]
        ours.setLevel(before[1])


def _is_heard_twice(node: Node, payload: bytes) -> bool:
    return sum(heard.entry.payload == payload for heard in node.reports) >= 2


class LifecycleContract(Hooks):
    """Start, stop, check, and bytes from other programs."""

    @contract_test
    async def test_check_tells_the_seconds(self, nodes: Nodes) -> None:
        node = await nodes.start()
        begin = asyncio.get_running_loop().time()
        seconds = await node.call(node.broker.check())
        assert isinstance(seconds, float)
        assert 0 <= seconds <= asyncio.get_running_loop().time() - begin + 0.1

    @contract_test
    async def test_after_stop_nothing_is_reported(self, nodes: Nodes) -> None:
        node, other = await nodes.start_two()
        await node.subscribe(nodes.name(), nodes.name("*"))
        await other.subscribe(nodes.name())
        for _ in range(20):
            await other.publish(nodes.name(), b"on the way")
        await node.call(node.broker.stop())
        count = len(node.reports)
        await other.publish(nodes.name(), b"late")
        await other.take(21)
        assert len(node.reports) == count
        assert node.changes == [], "a stop is not a loss"

    @contract_test
    async def test_a_broker_that_is_not_started_is_unavailable(self, nodes: Nodes) -> None:
        node = await nodes.make()
        for call in every_call(node.broker, nodes.name()):
            await node.fails(call)
        await node.unsubscribe(nodes.name())
        await node.start()
        await node.call(node.broker.stop())
        for call in every_call(node.broker, nodes.name()):
            await node.fails(call)
        await node.unsubscribe(nodes.name())

    @contract_test
    async def test_stop_at_any_time(self, nodes: Nodes) -> None:
        node = await nodes.make()
        await node.call(node.broker.stop())
        await node.start()
        await node.call(node.broker.stop())
        await node.call(node.broker.stop())

    @contract_test
    async def test_start_again(self, nodes: Nodes) -> None:
        """The broker starts without subscriptions, and everything works as before."""
        node, other = await nodes.start_two()
        for turn in range(3):
            channel = nodes.name(turn)
            await node.subscribe(channel, nodes.name("always"))
            position = await other.keep(channel, b"one")
            assert await node.take() == [Heard(channel, channel, node.reports[-1].entry)]
            await node.call(node.broker.stop())
            await node.start()
            # A channel that is never subscribed to again: late publications are not an error.
            await other.publish(channel, b"no node has subscribed to this since the start")
            await node.expect_silence()
            found = await node.call(node.broker.history(channel, None, None, LIMITS))
            assert [entry.position for entry in found.entries] == [position]

    @contract_test
    async def test_stop_leaves_no_task_and_no_socket(self, nodes: Nodes) -> None:
        node = await nodes.make()
        tasks, sockets = asyncio.all_tasks(), open_sockets()
        for _ in range(3):
            await node.start()
            await node.subscribe(nodes.name(), nodes.name("*"))
            await node.keep(nodes.name(), b"one")
            await node.call(node.broker.join(nodes.name(), "c1", "ada", b"{}", 60.0))
            await node.call(node.broker.stop())
            await expect_nothing_left(self.ends_within, tasks, sockets)

    @contract_test
    async def test_stop_while_calls_wait(self, nodes: Nodes) -> None:
        """They end with or without an error, and none of them hangs."""
        node = await nodes.start()
        tasks = asyncio.all_tasks()
        calls = [asyncio.ensure_future(call) for _ in range(20) for call in every_call(node.broker, nodes.name())]
        await asyncio.sleep(0)
        await node.call(node.broker.stop())
        for call in calls:
            await node.ends(call)
        await expect_nothing_left(self.ends_within, tasks)

    @contract_test
    async def test_a_cancelled_call_leaves_the_broker_well(self, nodes: Nodes) -> None:
        """Answers still belong to the right calls."""
        node, other = await nodes.start_two()
        await node.subscribe(nodes.name("live"))
        for turn in range(20):
            tasks = [asyncio.ensure_future(call) for call in every_call(node.broker, nodes.name(turn))]
            for _ in range(turn % 5):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            position = await node.keep(nodes.name("kept"), b"%d" % turn)
            assert position.offset == turn + 1
            assert await node.call(node.broker.present(nodes.name("nobody"))) == {}
            await other.publish(nodes.name("live"), b"%d" % turn)
        live = [heard for heard in await node.take(20) if heard.channel == nodes.name("live")]
        while len(live) < 20:
            live += [heard for heard in await node.take() if heard.channel == nodes.name("live")]
        assert [int(heard.entry.payload) for heard in live] == list(range(20))

    @contract_test
    async def test_what_strangers_send_is_no_harm(self, nodes: Nodes) -> None:
        """Bytes that no broker wrote are passed on as data, or ignored and logged, but not too often."""
        self.needs("inject")
        node, other = await nodes.start_two()
        channel = nodes.name()
        await node.subscribe(channel, nodes.name("*"))
        with recording() as log:
            for number, payload in enumerate(self.hostile * 3):
                await self.inject(channel, payload)
                expected = b"after %d" % number
                await other.keep(channel, expected)
                await node.until(
                    functools.partial(_is_heard_twice, node, expected),
                    functools.partial("the publication after the injected {!r}".format, payload[:60]),
                )
        for heard in node.reports:
            assert type(heard.entry.payload) is bytes
            assert heard.entry.position is None or is_position(heard.entry.position), f"made of strange bytes: {heard}"
        assert node.changes == [], f"the connection was dropped: {node.changes}"
        strange = [heard for heard in node.reports if not heard.entry.payload.startswith(b"after ")]
        were_all_heard = len(strange) == len(self.hostile) * 6
        assert log.records or were_all_heard, "ignored bytes must be logged"
        assert len(log.records) <= 6, f"{len(log.records)} records: once a minute is enough"
