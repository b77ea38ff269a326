"""Users on two nodes, with Valkey and NATS between them."""

from __future__ import annotations

import pytest

from emmett import App, Channels, WebsocketClosed, websocket
from emmett.users import Users


def make(broker: str) -> tuple[App, Users]:
    app = App(__name__)
    users = Users(app, Channels(app, broker))

    @app.websocket("/live/<str:user>")
    async def live(user: str) -> None:
        async with users.connected(user):
            await websocket.send("ready")
            await websocket.wait_closed()

    return app, users


async def test_users_are_reached_and_counted_on_both_nodes(broker: str) -> None:
    (first, users), (second, others) = make(broker), make(broker)
    async with (
        first.test_client_async() as here,
        second.test_client_async() as there,
        here.websocket("/live/ann") as ann,
        there.websocket("/live/ann") as ann_elsewhere,
        there.websocket("/live/bob") as bob,
    ):
        for peer in (ann, ann_elsewhere, bob):
            assert await peer.receive() == "ready"
        assert await users.online() == await others.online() == {"ann": 2, "bob": 1}
        await users.tell("ann", "hello")
        await others.tell("ann", "again")
        for peer in (ann, ann_elsewhere):
            assert {await peer.receive(), await peer.receive()} == {"hello", "again"}
        await users.kick("bob", 4401, "signed out")
        with pytest.raises(WebsocketClosed) as closed:
            await bob.receive()
        assert (closed.value.code, closed.value.reason) == (4401, "signed out")
        await others.kick("ann")
        for peer in (ann, ann_elsewhere):
            with pytest.raises(WebsocketClosed) as closed:
                await peer.receive()
            assert closed.value.code == 1008
