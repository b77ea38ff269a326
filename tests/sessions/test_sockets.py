from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from emmett import WebsocketClosed
from emmett.sessions.session import Session
from emmett.sessions.sockets import SocketRegistry
from tests.websockets.memory_connection import MemoryConnection


def connected(registry: SocketRegistry, id: str | None, user: str | None = None) -> MemoryConnection:
    connection = MemoryConnection(accepted=True)
    registry.add(connection.websocket, id)
    if user is not None:
        registry.set_session(connection.websocket, Session({"user": user}))
    return connection


async def test_the_sockets_of_a_session_are_closed() -> None:
    registry = SocketRegistry()
    ann, bob, nobody = connected(registry, "ann"), connected(registry, "bob"), connected(registry, None)
    await registry.close_session("ann", 4000, "why")
    assert (ann.events, bob.events, nobody.events) == ([("close", 4000, "why")], [], [])
    await registry.close_session("cyd", 4000, "why")


async def test_matching_sessions_are_closed() -> None:
    registry = SocketRegistry()
    first, second = connected(registry, "1", "ann"), connected(registry, "2", "ann")
    nobody, loading = connected(registry, None, ""), connected(registry, "3")
    assert await registry.close_matching(lambda session: session.user == "ann", 1008, "") == 2
    assert first.events == second.events == [("close", 1008, "")]
    assert await registry.close_matching(lambda session: True, 1008, "") == 3
    assert nobody.events == [("close", 1008, "")]
    assert loading.events == []


async def test_removed_sockets_are_not_closed() -> None:
    registry = SocketRegistry()
    one, other = connected(registry, "ann", "ann"), connected(registry, "ann", "ann")
    registry.remove(one.websocket)
    registry.remove(one.websocket)
    await registry.close_session("ann", 1008, "")
    assert (one.events, other.events) == ([], [("close", 1008, "")])
    registry.remove(other.websocket)
    assert (len(registry), registry._by_id) == (0, {})


async def test_sockets_move_to_another_id() -> None:
    registry = SocketRegistry()
    old, new = connected(registry, "old"), connected(registry, "new")
    registry.move("old", "new")
    registry.move("unknown", "new")
    await registry.close_session("old", 1008, "")
    assert old.events == new.events == []
    await registry.close_session("new", 1008, "")
    assert old.events == new.events == [("close", 1008, "")]
    for connection in (old, new):
        registry.remove(connection.websocket)
    assert not registry._by_id


async def test_the_registry_keeps_nothing_alive() -> None:
    registry = SocketRegistry()
    for number in range(100):
        connected(registry, f"id {number % 10}", "ann")
    gc.collect()
    assert len(registry) == len(registry._sessions) == 0


async def test_handlers_may_end_while_sockets_are_closed() -> None:
    registry = SocketRegistry()
    connections = [connected(registry, "ann", "ann") for _ in range(10)]

    async def handle(connection: MemoryConnection) -> None:
        with pytest.raises(WebsocketClosed):
            await connection.websocket.receive()
        registry.remove(connection.websocket)

    handlers = [asyncio.create_task(handle(connection)) for connection in connections]
    await asyncio.gather(registry.close_session("ann", 1008, ""), registry.close_matching(lambda _: True, 1008, ""))
    await asyncio.gather(*handlers)
    assert len(registry) == 0
    assert all(connection.events == [("close", 1008, "")] for connection in connections)


async def test_an_error_with_one_socket_does_not_affect_the_others(caplog: pytest.LogCaptureFixture) -> None:
    class Gone(MemoryConnection):
        def close(self, code: int, reason: str) -> None:
            raise WebsocketClosed(1006)

    class Faulty(MemoryConnection):
        def close(self, code: int, reason: str) -> None:
            raise OSError("a fault")

    registry = SocketRegistry()
    connections = [Gone(accepted=True), Faulty(accepted=True), MemoryConnection(accepted=True)]
    for connection in connections:
        registry.add(connection.websocket, "ann")
    with caplog.at_level(logging.ERROR, "emmett.session"):
        await registry.close_session("ann", 1008, "")
    assert connections[2].events == [("close", 1008, "")]
    assert [line.getMessage() for line in caplog.records] == ["a websocket could not be closed"]
    assert not registry._closing
