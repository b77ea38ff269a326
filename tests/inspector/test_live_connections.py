"""The open websockets of a process: which are listed, in which order, and how many in one turn of the loop."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from emmett.inspector.live_connections import LiveConnections
from emmett.inspector.picking import SLICE
from emmett.inspector.questions import AskConnections, ConnectionFilter, Order
from emmett.observers import SendStalled, SlowConsumer, WebsocketCounts, WebsocketEnded, WebsocketOpened
from emmett.websockets.websocket import Websocket
from tests.websockets.memory_connection import MemoryConnection


class Process:
    """A process whose events a test sends, with a clock that it moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.users: dict[object, list[str]] = {}
        self.looked: list[int] = [0]
        self.live = LiveConnections("node", self.names_of, lambda: self.now)
        self.connections: list[MemoryConnection] = []

    def names_of(self, connection: object) -> Sequence[str]:
        self.looked[-1] += 1
        return self.users.get(connection, ())

    async def pause(self) -> None:
        self.looked.append(0)

    def open(self, route: str = "chat", *, host: str = "192.0.2.1", user: str = "", received: int = 0) -> Websocket:
        connection = MemoryConnection(path=f"/{route}", accepted=True)
        self.connections.append(connection)
        number = len(self.connections)
        connection.websocket.number = number
        if user:
            self.users[connection.websocket] = [user]
        counts = WebsocketCounts(received, 2 * received)
        event = WebsocketOpened(
            number, f"/{route}", "secret=1", (host, 50000), route, None, connection.websocket, lambda: counts
        )
        self.live.websocket_opened(event)
        return connection.websocket

    def end(self, number: int) -> None:
        self.live.websocket_ended(
            WebsocketEnded(number, "/", "/", "", None, None, 101, 1000, "bye", 1.0, 0, 0, None, None)
        )

    async def numbers(self, order: Order = "backlog", limit: int = 200, **wanted: object) -> list[int]:
        question = AskConnections(ConnectionFilter(**wanted), order, limit)  # type: ignore[arg-type]
        return [int(row.id.removeprefix("node-")) for row in (await self.live.list(question)).rows]


async def test_a_connection_is_listed_with_its_details() -> None:
    process = Process()
    websocket = process.open(user="ann", received=3)
    process.connections[0].arrive("waits", "waits too")
    process.now += 2.5
    listed = await process.live.list(AskConnections())
    assert (listed.matching, listed.total) == (1, 1)
    (row,) = listed.rows
    assert (row.id, row.route, row.path, row.address) == ("node-1", "chat", "/chat", "192.0.2.1:50000")
    assert (row.users, row.age, row.received, row.sent) == (["ann"], 2.5, 3, 6)
    assert (row.unread, row.unsent, row.subprotocol) == (2, 0, "")
    found = process.live.find(1)
    assert found is not None
    assert found.websocket is websocket


async def test_connections_can_be_filtered() -> None:
    process = Process()
    process.open("chat", user="ann")
    process.now += 10
    process.open("chat.admin", host="198.51.100.7", user="anna")
    process.now += 10
    process.open("feed", host="2001:db8::1")
    process.connections[2].arrive("waits")
    numbers = process.numbers
    assert await numbers(route="chat") == [1, 2]
    assert await numbers(id="node-3") == [3]
    assert await numbers(id="node-3", route="chat") == []
    assert await numbers(route="admin") == [2]
    assert await numbers(user="ann") == [1, 2]
    assert await numbers(user="anna") == [2]
    assert await numbers(address="192.0.2.") == [1]
    assert await numbers(address="[2001:db8") == [3]
    assert await numbers(min_age=10) == [1, 2]
    assert await numbers(max_age=10) == [3, 2] or await numbers(max_age=10) == [2, 3]
    assert await numbers(min_age=5, max_age=15) == [2]
    assert await numbers(min_backlog=1) == [3]
    assert await numbers(route="chat", user="anna", min_age=10) == [2]
    assert await numbers(user="nobody") == []


@pytest.mark.parametrize(
    ("order", "expected"),
    [("age", [1, 2, 3]), ("received", [2, 3, 1]), ("sent", [2, 3, 1]), ("backlog", [3, 1, 2])],
)
async def test_connections_can_be_ordered(order: Order, expected: list[int]) -> None:
    process = Process()
    for received in (0, 9, 5):
        process.open(received=received)
        process.now += 1
    process.connections[2].arrive("waits")
    assert await process.numbers(order) == expected
    assert await process.numbers(order, 1) == expected[:1]


async def test_two_thousand_connections_do_not_block_the_loop() -> None:
    process = Process()
    for number in range(2000):
        process.open(user=f"user {number}")
    listed = await process.live.list(AskConnections(ConnectionFilter(user="user"), limit=500), process.pause)
    assert (len(listed.rows), listed.matching, listed.total) == (500, 2000, 2000)
    # Each connection was visited once for the filter, and each row once more.
    assert sum(process.looked) == 2500
    assert max(process.looked) <= SLICE


async def test_a_connection_that_ends_meanwhile_is_left_out() -> None:
    process = Process()
    ended: list[tuple[int, int | None, str]] = []
    process.live.on_ended = lambda *end: ended.append(end)
    for _ in range(3):
        process.open()

    async def pause() -> None:
        process.end(2)

    listed = await process.live.list(AskConnections(), pause)
    assert [row.id for row in listed.rows] == ["node-1", "node-3"]
    # It ends only once, and a refused handshake is never listed.
    process.end(99)
    assert ended == [(2, 1000, "bye")]
    assert len(process.live) == 2
    assert process.live.find(2) is None


async def test_slow_connections_are_listed_newest_first() -> None:
    process = Process()
    websocket = process.open()
    process.live.send_stalled(SendStalled(("192.0.2.1", 1), "chat", websocket))
    process.now += 1
    process.live.slow_consumer(SlowConsumer("subscriber", None, None, "room:1", "it did not keep up"))
    process.now += 1
    latest, stalled = process.live.slow()
    assert (latest.ago, latest.kind, latest.channel, latest.connection) == (1.0, "subscriber", "room:1", "")
    assert (stalled.ago, stalled.kind, stalled.address, stalled.connection) == (2.0, "stalled", "192.0.2.1:1", "node-1")
    for _ in range(150):
        process.live.slow_consumer(SlowConsumer("websocket", None, "r" * 500, None, "x", websocket))
    assert len(process.live.slow()) == 100
    assert len(process.live.slow()[0].route) == 200
