"""The websockets of the demo on the default server, with a client that need not be as well-behaved as the page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from examples.demo import app as demo
from tests.integration.servers import run_emmett


@contextlib.asynccontextmanager
async def serve_demo(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Serve the demo with an empty room; yields the beginning of its websocket URLs."""
    monkeypatch.setattr(demo, "room", demo.Room())
    async with run_emmett(demo.app) as running:
        yield running.url


async def hear(client: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message, which must be of this kind."""
    message: dict[str, Any] = msgspec.json.decode(await client.recv())
    assert message["type"] == kind, message
    return message


async def test_the_echo_returns_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve_demo(monkeypatch) as url, connect(f"{url}/echo") as client:
        for message in ("text", "", b"\x00\xff", b""):
            await client.send(message)
            assert await client.recv() == message


async def test_two_members_get_each_others_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve_demo(monkeypatch) as url, connect(f"{url}/room?name=Ada") as ada:
        welcome = await hear(ada, "welcome")
        async with connect(f"{url}/room?name=Bob") as bob:
            assert (await hear(ada, "joined"))["person"]["name"] == "Bob"
            await hear(bob, "welcome")
            await bob.send('{"type": "say", "text": "Hello"}')
            for client in (ada, bob):
                assert (await hear(client, "said"))["text"] == "Hello"
        assert (await hear(ada, "left"))["person"]["name"] == "Bob"
        assert list(demo.room.members) == [welcome["you"]]


async def test_a_connection_that_breaks_leaves_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve_demo(monkeypatch) as url, connect(f"{url}/room?name=Ada") as ada:
        await hear(ada, "welcome")
        async with connect(f"{url}/room?name=Bob") as bob:
            await hear(ada, "joined")
            bob.transport.abort()
            assert (await hear(ada, "left"))["person"]["name"] == "Bob"


@pytest.mark.parametrize(
    "message",
    ["no JSON", '{"type": "shout"}', b"\xff", '{"type": "say", "text": 1}', "[" * 8000],
    ids=["no JSON", "unknown type", "no UTF-8", "wrong field", "too deep"],
)
async def test_an_invalid_message_ends_only_its_own_connection(
    message: str | bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve_demo(monkeypatch) as url, connect(f"{url}/room?name=Ada") as ada:
        await hear(ada, "welcome")
        async with connect(f"{url}/room") as other:
            await hear(ada, "joined")
            await hear(other, "welcome")
            await other.send(message)
            with pytest.raises(ConnectionClosedError) as closed:
                await other.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1007, "this is no message for the room")
        await hear(ada, "left")
    assert not [record for record in caplog.records if record.exc_info], "a peer's mistake left a traceback in the log"


async def test_a_message_over_the_limit_of_the_route_closes_with_1009(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve_demo(monkeypatch) as url, connect(f"{url}/room") as client:
        await hear(client, "welcome")
        await client.send("x" * 10_000)
        with pytest.raises(ConnectionClosedError) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def test_a_slow_member_gets_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve_demo(monkeypatch) as url, connect(f"{url}/room") as client:
        person = demo.Person(**(await hear(client, "welcome"))["people"][0])
        # All in one turn of the loop, so that no client can keep up.
        for _ in range(demo.MAX_WAITING + 1):
            demo.room.tell(demo.Changed(person))
        with pytest.raises(ConnectionClosedError) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, "you read too slowly")
        assert demo.room.members == {}


async def test_a_full_room_closes_new_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "MAX_PEOPLE", 1)
    async with serve_demo(monkeypatch) as url, connect(f"{url}/room") as first:
        await hear(first, "welcome")
        async with connect(f"{url}/room") as second:
            with pytest.raises(ConnectionClosedError) as closed:
                await second.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, "the room is full")
        await first.send('{"type": "say", "text": "Nobody came"}')
        await hear(first, "said")


async def test_the_members_are_gone_when_the_server_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    async with contextlib.AsyncExitStack() as clients:
        async with serve_demo(monkeypatch) as url:
            for _ in range(3):
                client = await clients.enter_async_context(connect(f"{url}/room"))
                await hear(client, "welcome")
            room = demo.room
        assert room.members == {}
        await asyncio.wait_for(client.wait_closed(), 10)
