"""Users: their websockets on one node; `tests/integration/test_user_nodes.py` has two."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, Channels, WebsocketClosed, websocket
from emmett.channels import Kind, Publication
from emmett.errors import BrokerUnavailable, ChannelDenied, ConfigurationError, UsageError
from emmett.users import KICKS, MESSAGES, ONLINE, Users


def make(ended: asyncio.Queue[str] | None = None) -> tuple[App, Channels, Users]:
    app = App(__name__)
    channels = Channels(app, "memory")
    users = Users(app, channels)

    @app.websocket("/live/<str:user>")
    async def live(user: str) -> None:
        async with users.connected(user):
            await websocket.send("ready")
            async for message in websocket:
                await websocket.send(message)
        if ended is not None:
            ended.put_nowait(user)

    return app, channels, users


async def test_a_message_reaches_all_websockets_of_a_user() -> None:
    app, _, users = make()
    async with (
        app.test_client_async() as client,
        client.websocket("/live/ann") as first,
        client.websocket("/live/ann") as second,
        client.websocket("/live/bob") as other,
    ):
        for peer in (first, second, other):
            assert await peer.receive() == "ready"
        assert await users.online() == {"ann": 2, "bob": 1}
        await users.tell("ann", {"text": "hello"})
        await users.tell("ann", b"raw")
        for peer in (first, second):
            assert [await peer.receive(), await peer.receive()] == ['{"text":"hello"}', b"raw"]
        await users.tell("nobody", "x")
        await other.send("still here")
        assert await other.receive() == "still here"
    assert users._websockets == {}


async def test_a_kick_closes_all_websockets_of_the_user() -> None:
    ended: asyncio.Queue[str] = asyncio.Queue()
    app, _, users = make(ended)
    async with (
        app.test_client_async() as client,
        client.websocket("/live/ann") as first,
        client.websocket("/live/ann") as second,
        client.websocket("/live/bob") as other,
    ):
        for peer in (first, second, other):
            assert await peer.receive() == "ready"
        await users.kick("ann", 4401, "signed out")
        for peer in (first, second):
            with pytest.raises(WebsocketClosed) as closed:
                await peer.receive()
            assert (closed.value.code, closed.value.reason) == (4401, "signed out")
        assert [await ended.get(), await ended.get()] == ["ann", "ann"]
        assert await users.online() == {"bob": 1}
        await other.send("still here")
        assert await other.receive() == "still here"


async def test_a_websocket_may_be_connected_twice_as_the_same_user() -> None:
    app = App(__name__)
    users = Users(app, Channels(app, "memory"))

    @app.websocket("/live")
    async def live() -> None:
        async with users.connected("ann"):
            async with users.connected("ann"):
                pass
            await websocket.send("ready")
            async for message in websocket:
                await websocket.send(message)

    async with app.test_client_async() as client, client.websocket("/live") as peer:
        assert await peer.receive() == "ready"
        await users.kick("ann", 4401, "signed out")
        with pytest.raises(WebsocketClosed) as closed:
            await peer.receive()
        assert closed.value.code == 4401
    assert users._websockets == {}


async def test_an_invalid_kick_closes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    app, channels, users = make()
    async with app.test_client_async() as client, client.websocket("/live/ann") as peer:
        assert await peer.receive() == "ready"
        for text in ("nonsense", '{"user":"ann","code":1006,"reason":""}', '{"user":["ann"],"code":4000,"reason":""}'):
            await channels.publish(f"{KICKS}:all", text, check=False)
        await users.kick("nobody")
        await peer.send("still here")
        assert await peer.receive() == "still here"
    assert "ignored a kick that users.kick did not make" in caplog.text


async def test_a_gap_in_the_kicks_closes_all_connected_websockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emmett.users.CLOSE_BATCH", 1)
    ended: asyncio.Queue[str] = asyncio.Queue()
    app, _, users = make(ended)
    async with (
        app.test_client_async() as client,
        client.websocket("/live/ann") as first,
        client.websocket("/live/bob") as second,
    ):
        for peer in (first, second):
            assert await peer.receive() == "ready"
        users._handle(Publication(f"{KICKS}:all", "", Kind.GAP))
        for peer in (first, second):
            with pytest.raises(WebsocketClosed) as closed:
                await peer.receive()
            assert (closed.value.code, closed.value.reason) == (1013, "kicks were missed")
        assert {await ended.get(), await ended.get()} == {"ann", "bob"}
        async with client.websocket("/live/ann") as again:
            assert await again.receive() == "ready"


async def test_listening_again_closes_all_websockets_as_kicks_may_be_missing() -> None:
    app, _, users = make()
    async with app.test_client_async() as client, client.websocket("/live/ann") as peer:
        assert await peer.receive() == "ready"
        # The supervisor of background work starts the function again after a failure.
        again = asyncio.create_task(users._listen())
        with pytest.raises(WebsocketClosed) as closed:
            await peer.receive()
        assert closed.value.code == 1013
        again.cancel()
        await asyncio.wait((again,))


async def test_no_client_reads_or_writes_its_channels() -> None:
    app, channels, _ = make()
    async with app.test_client_async():
        for name in (f"{KICKS}:all", f"{ONLINE}:users", f"{MESSAGES}:x"):
            with pytest.raises(ChannelDenied):
                async with channels.subscribe(name):
                    pass
            with pytest.raises(ChannelDenied):
                await channels.publish(name, "x")


@pytest.mark.parametrize("user", ["", "x" * 201, "é" * 101, "\ud800", None, 7])
async def test_invalid_users_are_refused(user: Any) -> None:
    app, _, users = make()
    async with app.test_client_async():
        for call in (users.tell(user, "x"), users.kick(user)):
            with pytest.raises(UsageError, match="expected text"):
                await call


async def test_invalid_messages_are_refused() -> None:
    app, _, users = make()
    async with app.test_client_async():
        for code, reason in ((1006, ""), (4000, "x" * 124)):
            with pytest.raises(ValueError, match=r"."):
                await users.kick("ann", code, reason)


def test_channels_take_only_one_users() -> None:
    app, channels, _ = make()
    with pytest.raises(ConfigurationError):
        Users(app, channels)


async def test_no_websocket_waits_forever_while_kicks_cannot_arrive() -> None:
    app = App(__name__)
    users = Users(app, Channels(app, "memory"), timeout=0.01)

    @app.websocket("/live")
    async def live() -> None:
        await users._listens.wait()
        users._listens.clear()
        try:
            async with users.connected("ann"):
                await websocket.send("connected")
        except BrokerUnavailable as error:
            await websocket.send(str(error))

    async with app.test_client_async() as client, client.websocket("/live") as peer:
        assert await peer.receive() == "user 'ann' cannot be connected: kicks have not been heard for 0.01 s"


async def test_a_websocket_may_belong_to_several_users() -> None:
    app = App(__name__)
    users = Users(app, Channels(app, "memory"))
    assert users in app.wired

    @app.websocket("/live")
    async def live() -> None:
        own = websocket.connection
        async with users.connected("ann"), users.connected("family"):
            names = list(users.names_of(own))
        await websocket.send_json([names, list(users.names_of(own)), list(users.names_of(None))])

    async with app.test_client_async() as client, client.websocket("/live") as peer:
        assert await peer.receive_json() == [["ann", "family"], [], []]
    assert users._names == {}
