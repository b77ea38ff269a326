"""Taps: each message is reported once, whichever way it goes, and nothing is left of a tap that is removed."""

from __future__ import annotations

import asyncio
from typing import Any

from emmett.channels.sink import Batch
from emmett.websockets.connection import Data
from tests.websockets.memory_connection import MemoryConnection, turns


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[Data, bool]] = []

    def __call__(self, message: Data, is_received: bool, /) -> None:
        self.heard.append((message, is_received))


async def test_messages_are_reported_whichever_way_they_go() -> None:
    connection, report = MemoryConnection(accepted=True), Listener()
    websocket = connection.websocket
    connection.arrive("first")
    assert await websocket.receive() == "first"
    websocket.tap(report)
    connection.arrive("question", b"\x00")
    assert [await websocket.receive(), await anext(websocket)] == ["question", b"\x00"]
    await websocket.send("answer")
    await websocket.send_json({"a": 1})
    websocket.send_nowait(b"now")
    assert websocket.deliver(Batch(["one", "two"]))
    assert report.heard == [
        ("question", True),
        (b"\x00", True),
        ("answer", False),
        ('{"a":1}', False),
        (b"now", False),
        ("one", False),
        ("two", False),
    ]
    assert connection.sent == ["answer", '{"a":1}', b"now", "one", "two"]


async def test_a_handler_that_already_waits_is_tapped_too() -> None:
    connection, report = MemoryConnection(accepted=True), Listener()
    waiting = asyncio.create_task(connection.websocket.receive())
    await turns()
    connection.websocket.tap(report)
    connection.arrive("hello")
    assert await waiting == "hello"
    assert report.heard == [("hello", True)]


async def test_a_tap_does_not_affect_hooks() -> None:
    async def louder(message: Any) -> Any:
        return message.upper()

    connection, report = MemoryConnection(accepted=True), Listener()
    websocket = connection.websocket
    websocket.set_hooks(louder, louder)
    websocket.tap(report)
    connection.arrive("in")
    assert await websocket.receive() == "IN"
    await websocket.send("out")
    assert connection.sent == ["OUT"]
    assert report.heard == [("in", True), ("OUT", False)]


async def test_a_batch_that_is_not_taken_is_not_reported() -> None:
    connection, report = MemoryConnection(accepted=True), Listener()
    connection.websocket.tap(report)
    connection.reads.clear()
    assert not connection.websocket.deliver(Batch(["one"]))
    called = asyncio.Event()
    connection.websocket.when_ready(called.set)
    connection.reads.set()
    await called.wait()
    assert connection.websocket.deliver(Batch(["one"]))
    assert report.heard == [("one", False)]


async def test_a_tap_passes_everything_else_on() -> None:
    connection = MemoryConnection()
    websocket = connection.websocket
    websocket.tap(Listener())
    await websocket.accept()
    assert await websocket.ping() == 0.25
    assert (websocket.unsent, websocket.unread) == (0, 0)
    await websocket.close(4000, "bye")
    refused = MemoryConnection()
    refused.websocket.tap(Listener())
    await refused.websocket.refuse(404)
    assert [event[0] for event in connection.events + refused.events] == ["accept", "close", "refuse"]


async def test_nothing_is_left_of_a_removed_tap() -> None:
    connection, report = MemoryConnection(accepted=True), Listener()
    websocket = connection.websocket
    before = (websocket._connection, websocket._writer, websocket._on_receive, websocket._writes_directly)
    websocket.untap()
    websocket.tap(report)
    websocket.untap()
    assert (websocket._connection, websocket._writer, websocket._on_receive, websocket._writes_directly) == before
    connection.arrive("in")
    assert websocket.unread == 1
    assert await websocket.receive() == "in"
    await websocket.send("out")
    assert report.heard == []
