"""Two nodes and a broker, all killed in the middle of traffic: every subscriber gets each number once, in order.

Lines 64 to 66 of the reliability list, with real processes on both sides of a real broker that keeps its data.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from emmett import Channels
from emmett.channels import Position
from emmett.errors import BrokerUnavailable
from tests.ports import free_port
from tests.valkey import Valkey, running_valkey

ROOT = Path(__file__).parents[2]
NODE = ROOT / "tests" / "integration" / "channel_node.py"
SUBSCRIBERS = 20
NUMBERS = 600
ROOM = "room:tea"
DEADLINE = 60.0


class Node:
    """One server process, which restarts on the same port after a kill."""

    def __init__(self, broker: str) -> None:
        self.port = free_port()
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "EMMETT_BROKER": broker}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "emmett", "-a", str(NODE), "serve", "--port", str(self.port), "--no-access-log"),
            cwd=ROOT,
            env=self._environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                assert self._process.returncode is None, "the node did not start"
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

    async def kill(self) -> None:
        """Kill it."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


class Subscriber:
    """Reads numbers from either node, and reconnects to the other one with its position when a connection ends."""

    def __init__(self, nodes: list[Node], seed: int) -> None:
        self._nodes = nodes
        self._random = random.Random(seed)
        self._turn = seed
        self._position: Position | None = None
        self.numbers: list[int] = []
        self.connections = 0
        self.progress = asyncio.Event()

    async def run(self) -> None:
        while True:
            node = self._nodes[self._turn % 2]
            self._turn += 1
            since = f"?since={self._position}" if self._position else ""
            try:
                async with connect(f"ws://127.0.0.1:{node.port}/rooms/tea{since}", compression=None) as socket:
                    self.connections += 1
                    await self._read(socket)
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError, EOFError):
                # As clients do, but sooner.
                await asyncio.sleep(self._random.uniform(0.01, 0.1))

    async def _read(self, socket: Any) -> None:
        # Occasionally it disconnects by itself, without a Close frame, in the middle of publications.
        patience = self._random.randint(20, 300)
        async for text in socket:
            event = json.loads(text)
            if event["type"] == "begun":
                assert event["recovered"] is not False, (
                    "missed publications must be recovered, because the broker keeps them"
                )
                self.progress.set()
                continue
            assert event["type"] == "message", event
            self._position = Position.parse(event["position"])
            self.numbers.append(int(event["data"]))
            self.progress.set()
            patience -= 1
            if patience == 0:
                socket.transport.abort()
                return


async def publish_all(channels: Channels, published: Callable[[int], None]) -> None:
    """Publish all numbers, each once: a failed publication may have succeeded, so check the history."""
    for number in range(NUMBERS):
        while True:
            try:
                await channels.publish(ROOM, str(number))
                break
            except BrokerUnavailable:
                if await last_number(channels) == number:
                    break
        published(number)


async def last_number(channels: Channels) -> int | None:
    while True:
        try:
            past = await channels.history(ROOM, limit=1)
        except BrokerUnavailable:
            await asyncio.sleep(0.05)
        else:
            return int(past.publications[-1].data) if past.publications else None


@asynccontextmanager
async def two_nodes(broker: str) -> AsyncIterator[list[Node]]:
    nodes = [Node(broker), Node(broker)]
    try:
        await asyncio.gather(*(node.start() for node in nodes))
        yield nodes
    finally:
        await asyncio.gather(*(node.kill() for node in nodes))


async def until(condition: Callable[[], bool], *events: asyncio.Event) -> None:
    """Wait until a condition holds, which is checked whenever one of the events is set."""
    while not condition():
        for event in events:
            event.clear()
        tasks = [asyncio.ensure_future(event.wait()) for event in events]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


async def run_all(broker: Valkey, disturb: dict[int, Callable[[list[Node]], Any]]) -> list[Subscriber]:
    """Let all subscribers read all numbers, and disturb when a number was published."""
    url = f"{broker.url}?durable=yes"
    async with two_nodes(url) as nodes, asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
        subscribers = [Subscriber(nodes, seed) for seed in range(SUBSCRIBERS)]
        reading = [group.create_task(subscriber.run()) for subscriber in subscribers]
        await until(lambda: all(s.connections for s in subscribers), *(s.progress for s in subscribers))
        channels = Channels(None, url)
        channels.namespace("room", history=10_000, history_ttl=600)
        done = asyncio.Event()
        count = 0

        def published(number: int) -> None:
            nonlocal count
            count = number + 1
            done.set()

        async with channels:
            publishing = group.create_task(publish_all(channels, published))
            for number, act in sorted(disturb.items()):
                await until(lambda number=number: count > number, done)  # type: ignore[misc]
                await act(nodes)
            await publishing
        await until(lambda: all(len(s.numbers) >= NUMBERS for s in subscribers), *(s.progress for s in subscribers))
        for task in reading:
            task.cancel()
    return subscribers


def check(subscribers: list[Subscriber]) -> None:
    for subscriber in subscribers:
        assert subscriber.numbers == list(range(NUMBERS))
    # Otherwise the test would have shown nothing.
    assert sum(subscriber.connections for subscriber in subscribers) > 2 * SUBSCRIBERS


async def test_no_number_is_lost_when_nodes_and_the_broker_are_killed() -> None:
    with running_valkey(appendonly="yes", appendfsync="always") as valkey:

        async def kill_a_node(nodes: list[Node]) -> None:
            await nodes[0].kill()
            await nodes[0].start()

        async def kill_the_broker(nodes: list[Node]) -> None:
            await asyncio.to_thread(valkey.kill)
            await asyncio.to_thread(valkey.start)

        async def kill_the_other_node(nodes: list[Node]) -> None:
            await nodes[1].kill()
            await nodes[1].start()

        check(
            await run_all(
                valkey, {100: kill_a_node, 250: kill_the_broker, 350: kill_the_other_node, 450: kill_the_broker}
            )
        )


@pytest.mark.parametrize("moment", [0, 300])
async def test_no_number_is_lost_when_the_broker_pauses(moment: int) -> None:
    with running_valkey(appendonly="yes") as valkey:

        async def pause(nodes: list[Node]) -> None:
            with valkey.paused():
                await asyncio.sleep(1.0)

        check(await run_all(valkey, {moment: pause}))
