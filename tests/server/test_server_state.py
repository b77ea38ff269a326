"""What a server shares with its connections."""

from __future__ import annotations

import asyncio

from emmett.server.server_state import ServerState


class Connection:
    """A connection, as its server sees it."""

    def __init__(self, task: asyncio.Task[None] | None) -> None:
        self.task = task


def test_two_servers_share_nothing() -> None:
    first, second = ServerState(), ServerState()
    first.connections[Connection(None)] = None
    first.default_headers.append((b"date", b""))
    assert (second.connections, second.requests, second.default_headers) == ({}, set(), [])


async def test_the_tasks_are_those_of_requests_and_of_websockets() -> None:
    state = ServerState()
    request, websocket = (asyncio.create_task(asyncio.sleep(0)) for _ in range(2))
    state.requests.add(request)
    state.connections |= dict.fromkeys([Connection(websocket), Connection(None)])
    assert state.tasks() == {request, websocket}
    assert state.requests == {request}
    await asyncio.gather(request, websocket)
